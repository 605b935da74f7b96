import { createHmac } from "node:crypto";
import type { AccountStore } from "../../core/account-store.ts";
import { anonymousCaller, type Caller } from "../../core/caller.ts";
import type { ClientCertificate } from "../../core/client-certificate.ts";
import type { Clock } from "../../core/clock.ts";
import { type Decide, isOpenToAnonymous } from "../../core/policy.ts";
import { isUlid, type UlidSource } from "../../core/ulid.ts";
import type { AccessKeys } from "../access-keys.ts";
import type { ClientCertificates } from "../client-certificates.ts";
import type { HtpasswdFile } from "../htpasswd.ts";
import { passwordVersion } from "../password-version.ts";
import type { TokenHolder } from "./token-holder.ts";

export interface TokenHoldersOptions {
  readonly accounts: Pick<AccountStore, "findUser" | "findRobot" | "externalPrincipal">;
  readonly htpasswd: Pick<HtpasswdFile, "users"> | undefined;
  readonly clientCertificates: Pick<ClientCertificates, "judge">;
  readonly accessKeys: Pick<AccessKeys, "callerOf">;
  readonly decide: Decide;
  readonly clock: Clock;
  readonly ulids: UlidSource;
  /** With which versions of passwords are made unreadable: a token is no place to search for a password in. */
  readonly secret: Uint8Array;
}

/** What tokens are bound to, at their making and at each use: who holds one now has to be whom it was given to. */
export class TokenHolders {
  readonly #options: TokenHoldersOptions;

  constructor(options: TokenHoldersOptions) {
    this.#options = options;
  }

  /** Undefined where a caller's credential is good for no token: another token, a session, the process's own. */
  holderOf({ principal, credential }: Caller, certificate: ClientCertificate | undefined): TokenHolder | undefined {
    if (principal === undefined) return credential.kind === "none" ? { kind: "nobody" } : undefined;
    const { name, id, source } = principal;
    if (credential.kind === "certificate" && certificate !== undefined)
      return { kind: "certificate", name, certificate };
    if (credential.kind === "key" && credential.id !== undefined && isUlid(credential.id))
      return { kind: "key", name, id: credential.id };
    if (credential.kind !== "password" || source === "process") return undefined;
    return { kind: "password", name, id, source, version: this.#hidden(credential.version) };
  }

  /** Who a token's holder is now; why it is nobody any more, where that is so. The credential is the one that the token stands for. */
  async callerOf(holder: TokenHolder): Promise<Caller | string> {
    switch (holder.kind) {
      case "nobody":
        return isOpenToAnonymous(this.#options.decide)
          ? anonymousCaller
          : "nothing is open to those who are not logged in";
      case "password":
        return holder.source === "dozo" ? this.#ownUser(holder) : this.#externalUser(holder);
      case "certificate":
        return this.#certificateHolder(holder);
      case "key":
        return this.#options.accessKeys.callerOf(holder.id);
    }
  }

  async #ownUser({ name, id, version }: TokenHolder & { readonly kind: "password" }): Promise<Caller | string> {
    const user = await this.#options.accounts.findUser(name);
    if (user === undefined || user.id !== id) return "the token's user was removed";
    const current = passwordVersion(user.passwordHash);
    if (this.#hidden(current) !== version) return "the token's user has another password now";
    const principal = { id, name, isAdmin: user.isAdmin, kind: "user", source: "dozo" } as const;
    return { principal, credential: { kind: "password", version: current } };
  }

  async #externalUser(holder: TokenHolder & { readonly kind: "password" }): Promise<Caller | string> {
    const { accounts, htpasswd, ulids, clock } = this.#options;
    const { name, id, source, version } = holder;
    if (source === "dozo") return "dozo's own user does not come from elsewhere";
    if ((await accounts.findUser(name)) !== undefined) return "dozo has a user of its own of this name now";
    if ((await accounts.findRobot(name)) !== undefined) return "a robot has the name now, and robots have no password";
    const line = htpasswd?.users.get(name)?.text;
    const current = line === undefined ? undefined : passwordVersion(line);
    if (source !== "htpasswd" && current !== undefined) return "the htpasswd file has a user of this name now";
    if (source === "htpasswd" && (current === undefined || this.#hidden(current) !== version))
      return "the line of the htpasswd file is another one, or gone";
    if ((await accounts.externalPrincipal(source, name, ulids.next(), clock.now())) !== id)
      return "the token's user was removed";
    return {
      principal: { id, name, isAdmin: false, kind: "user", source },
      credential: { kind: "password", ...(current === undefined ? {} : { version: current }) },
    };
  }

  async #certificateHolder({ certificate }: TokenHolder & { readonly kind: "certificate" }): Promise<Caller | string> {
    const verdict = await this.#options.clientCertificates.judge(certificate);
    if (verdict.kind === "refused") return verdict.reason;
    return { principal: verdict.principal, credential: { kind: "certificate", id: certificate.serial } };
  }

  #hidden(version: string | undefined): string {
    return version === undefined ? "" : createHmac("sha256", this.#options.secret).update(version).digest("base64url");
  }
}
