import type { Settings } from "../config/settings.ts";
import type { Principal } from "../core/principal.ts";
import type { RegistryIdentity } from "../enrolment/identity.ts";
import type { Log } from "../log.ts";
import type { Pki } from "../pki/open.ts";

/** What a registry is made of: its settings, and what `cli` and `process` found out about the machine around. */
export interface AppOptions {
  readonly settings: Settings;
  readonly programVersion: string;
  readonly log: Log;
  /** Opens the authority and the server's certificate, and renews that when it is due; called again and again. */
  readonly openPki: () => Promise<Pki>;
  /** Where the commands of this machine come in; in a folder that only the owner may enter. */
  readonly controlSocket: string;
  /** What clients write before the repository, for the state. */
  readonly address: () => string | undefined;
  /** The same where only clients with a certificate are let in; undefined where there is no such listener. */
  readonly clientCertificateAddress: () => string | undefined;
  /** What clients are enrolled with; undefined where they cannot be. */
  readonly identity: () => RegistryIdentity | undefined;
  readonly onLogin: (principal: Principal) => void;
  /** Takes the record as lines of JSON, where it is to go to standard output; undefined where nothing serves. */
  readonly auditOutput?: ((lines: string) => void) | undefined;
  /** Hears of what the registry cannot go on without; it answers `UNAVAILABLE` until it is stopped. */
  readonly onFault: (reason: string) => void;
}
