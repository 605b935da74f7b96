import type { AccountStore } from "../core/account-store.ts";
import type { ClientCertificate } from "../core/client-certificate.ts";
import type { ClientCertificateStore } from "../core/client-certificate-store.ts";
import { type ClientUserRule, findClientUser } from "../core/client-user-rule.ts";
import type { Clock } from "../core/clock.ts";
import type { Principal } from "../core/principal.ts";

/** Whom a certificate stands for. The reason of a refusal may be told to the client: who gets here has the certificate's key. */
export type CertificateVerdict =
  | { readonly kind: "principal"; readonly principal: Principal }
  | { readonly kind: "refused"; readonly reason: string };

export interface ClientCertificatesOptions {
  readonly accounts: Pick<AccountStore, "findUser">;
  readonly certificates: Pick<ClientCertificateStore, "findCertificate">;
  /** For certificates of the operator's authority. */
  readonly rules: readonly ClientUserRule[];
  readonly clock: Clock;
}

/**
 * Decides whom a client certificate stands for. One of dozo's own authority has to be in the list of those that were issued:
 * whoever stole the authority's key can make none. One of another authority counts by the operator's rules alone.
 */
export class ClientCertificates {
  readonly #options: ClientCertificatesOptions;

  constructor(options: ClientCertificatesOptions) {
    this.#options = options;
  }

  /** Asked at each request, so that a revocation and the end of a user hold at once, on open connections too. */
  async judge(certificate: ClientCertificate): Promise<CertificateVerdict> {
    const now = this.#options.clock.now();
    const { serial, notBefore, notAfter, isForClients } = certificate;
    if (!isForClients) return refused(`the certificate ${serial} is not for clients (extended key usage clientAuth)`);
    if (now < notBefore) return refused(`the client certificate ${serial} does not hold yet: is a clock wrong?`);
    if (now >= notAfter) return refused(`the client certificate ${serial} has ended: ${askForAnother}`);
    return certificate.isOwn ? this.#judgeOwn(certificate) : this.#judgeByRules(certificate);
  }

  async #judgeOwn({ serial, fingerprint }: ClientCertificate): Promise<CertificateVerdict> {
    const issued = await this.#options.certificates.findCertificate(fingerprint);
    if (issued === undefined) return refused(`this registry knows no client certificate ${serial}: ${askForAnother}`);
    if (issued.revokedAt !== undefined)
      return refused(`the client certificate ${serial} was revoked: ${askForAnother}`);
    const user = await this.#options.accounts.findUser(issued.userName);
    if (user === undefined || user.id !== issued.userId)
      return refused(`the user of the client certificate ${serial} was removed`);
    const { id, name, isAdmin } = user;
    return { kind: "principal", principal: { id, name, isAdmin, kind: "user", source: "dozo" } };
  }

  async #judgeByRules({ serial, names }: ClientCertificate): Promise<CertificateVerdict> {
    const found = findClientUser(this.#options.rules, names);
    const subject = names.find(({ kind }) => kind === "subject")?.value ?? serial;
    if (found === undefined) return refused(`no rule of clientUsers fits the certificate of ${subject}`);
    const user = await this.#options.accounts.findUser(found.user);
    if (user === undefined) return refused(`the certificate of ${subject} leads to a user that there is not`);
    if (user.isAdmin && !found.mayBeAdmin)
      return refused(
        `the certificate of ${subject} leads to an admin, and its rule of clientUsers does not say admin: true`,
      );
    const { id, name, isAdmin } = user;
    return { kind: "principal", principal: { id, name, isAdmin, kind: "user", source: "dozo" } };
  }
}

const askForAnother = "an admin of this registry can issue another";

function refused(reason: string): CertificateVerdict {
  return { kind: "refused", reason };
}
