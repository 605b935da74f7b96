import { X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";

import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../log.ts";
import { OidcLogins, type OidcLoginsOptions } from "./oidc-logins.ts";
import { ProviderClient } from "./provider-client.ts";
import { SealedAttempts } from "./sealed-attempts.ts";

/** The settings of the company's provider. */
export interface ProviderSettings {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecretFile?: string | undefined;
  /** A PEM file. */
  readonly ca?: string | undefined;
  readonly scopes: readonly string[];
  readonly nameClaim: string;
  readonly groupsClaim: string;
  readonly requiredGroup?: string | undefined;
}

/** What a login with the company's provider takes. */
export interface CompanyLogin {
  readonly client: ProviderClient;
  readonly attempts: SealedAttempts;
  readonly logins: OidcLogins;
}

/** Throws when a file that the settings name cannot be used. The provider itself is asked at the first login. */
export function openCompanyLogin(
  settings: ProviderSettings,
  ports: OidcLoginsOptions & { readonly clock: Clock; readonly log: Log },
): CompanyLogin {
  const { ca, clientSecretFile, requiredGroup, ...rest } = settings;
  const client = new ProviderClient(
    {
      ...rest,
      requiredGroup,
      caPem: ca === undefined ? undefined : readAuthorities(ca),
      clientSecret: clientSecretFile === undefined ? undefined : secretIn(clientSecretFile, ports.log),
    },
    () => ports.clock.now(),
  );
  return { client, attempts: new SealedAttempts(ports.clock), logins: new OidcLogins(ports) };
}

function readAuthorities(file: string): string {
  const pem = readFileSync(file, "utf8");
  // It throws where there is no certificate: with nobody to vouch for the provider every login would fail.
  void new X509Certificate(pem);
  return pem;
}

/** Read whenever the provider's description is, so that a new secret needs no restart. The line's end is not part of it. */
function secretIn(file: string, log: Log): () => Promise<string> {
  if ((statSync(file).mode & 0o007) !== 0)
    log.warn("everybody on this machine may read the secret for the provider; better: chmod o= FILE", { file });
  return async () => (await readFile(file, "utf8")).replace(/\r?\n$/, "");
}
