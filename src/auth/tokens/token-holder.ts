import type { AccessKeyId } from "../../core/access-key.ts";
import type { ClientCertificate } from "../../core/client-certificate.ts";
import type { ExternalSource, PrincipalId } from "../../core/principal.ts";

/** Somebody who logged in with a password, and which password it was. */
interface PasswordHolder {
  readonly kind: "password";
  readonly name: string;
  readonly id: PrincipalId;
  readonly source: "dozo" | ExternalSource;
  /** Another for another password; says nothing of either. Empty where dozo cannot know that it changed. */
  readonly version: string;
}

/** Somebody who showed a client certificate. */
interface CertificateHolder {
  readonly kind: "certificate";
  readonly name: string;
  readonly certificate: ClientCertificate;
}

/** Somebody who showed an access key. */
interface KeyHolder {
  readonly kind: "key";
  readonly name: string;
  readonly id: AccessKeyId;
}

/** Who got a token, and by what: the token counts only as long as that would count. */
export type TokenHolder = { readonly kind: "nobody" } | PasswordHolder | CertificateHolder | KeyHolder;

/** Reads what stands in a token that we have signed; undefined for what this program does not write. */
export function readTokenHolder(value: unknown): TokenHolder | undefined {
  const holder = (value ?? {}) as TokenHolder;
  switch (holder.kind) {
    case "nobody":
      return { kind: "nobody" };
    case "password": {
      const { name, id, source, version } = holder;
      return { kind: "password", name, id, source, version };
    }
    case "certificate":
      return { kind: "certificate", name: holder.name, certificate: holder.certificate };
    case "key":
      return { kind: "key", name: holder.name, id: holder.id };
    default:
      return undefined;
  }
}
