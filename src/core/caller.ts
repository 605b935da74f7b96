import type { AccessAction } from "./access-rule.ts";
import type { Principal } from "./principal.ts";
import type { RepositoryPattern } from "./repository-pattern.ts";

/** Something that a limited credential is good for. */
export interface Grant {
  readonly repositories: RepositoryPattern;
  readonly actions: readonly AccessAction[];
}

/** What a credential is good for at most, whatever its principal may. */
export interface CredentialLimits {
  readonly grants: readonly Grant[];
  /** Which repositories a list may show: none, so that the list is refused; what the grants let pull; all that the principal may. */
  readonly catalog: "none" | "granted" | "all";
  /** The limits of what this credential was had with (a token's access key): both have to allow. */
  readonly within?: CredentialLimits | undefined;
}

/** With what a request proved who sends it. */
export interface Credential {
  readonly kind: "none" | "password" | "key" | "token" | "certificate" | "session" | "process";
  /** The access key's id, the certificate's serial: what the operator would revoke. */
  readonly id?: string;
  /** Of a password: another after it was changed. Undefined where dozo cannot know that it was, since others keep it. */
  readonly version?: string;
  readonly limits?: CredentialLimits;
}

/** Who sends a request. */
export interface Caller {
  /** Undefined: nobody who is logged in. */
  readonly principal: Principal | undefined;
  readonly credential: Credential;
}

/** Who sends a request without credentials. */
export const anonymousCaller: Caller = { principal: undefined, credential: { kind: "none" } };
