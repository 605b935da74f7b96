import type { Clock } from "../../core/clock.ts";
import { RegistryError } from "../../core/error.ts";
import type { OidcUser, OidcUserStore } from "../../core/oidc-user-store.ts";
import type { Principal, PrincipalId } from "../../core/principal.ts";
import type { UlidSource } from "../../core/ulid.ts";
import { isWordForMany } from "../../core/subject-word.ts";
import { isUserName, userNameRule } from "../../core/user-name.ts";
import { LoginRefusedError, type ProviderLogin } from "./claims.ts";

export interface OidcLoginsOptions {
  readonly users: Pick<OidcUserStore, "findOidcUser" | "receiveOidcUser">;
  /** Whether somebody who does not come by the provider has the name. */
  readonly isTaken: (name: string) => Promise<boolean>;
  /** Grows, at the latest, before a change of somebody of this name is acknowledged. */
  readonly changesOf: (name: string) => number;
  /** Those that are not named any more are left. */
  readonly replaceGroups: (principal: PrincipalId, source: "oidc", names: readonly string[]) => Promise<void>;
  readonly clock: Clock;
  readonly ulids: UlidSource;
}

/** Turns whom the provider has logged in into a principal of the registry, with the groups of this moment. */
export class OidcLogins {
  readonly #options: OidcLoginsOptions;

  constructor(options: OidcLoginsOptions) {
    this.#options = options;
  }

  /** Never an admin. Throws `LoginRefusedError`: the name cannot be one or is somebody else's, or who this is was removed. */
  async receive(login: ProviderLogin): Promise<Principal> {
    const { users, isTaken, changesOf, replaceGroups } = this.#options;
    const { name } = await this.#userOf(login);
    const changes = changesOf(name);
    // Asked again: from here on a removal is either seen in the answer, or counted.
    const user = await users.findOidcUser(login.issuer, login.subject);
    if (user === undefined || user.isRemoved)
      throw new LoginRefusedError(`an admin of this registry has removed ${name}`);
    if (await isTaken(name)) throw new LoginRefusedError(takenMessage(name));
    await replaceGroups(user.id, "oidc", login.groups);
    if (changesOf(name) !== changes) throw new LoginRefusedError(`${name} was changed during the login: try again`);
    return { id: user.id, name, isAdmin: false, kind: "user", source: "oidc" };
  }

  async #userOf({ issuer, subject, name }: ProviderLogin): Promise<OidcUser> {
    const { users, isTaken, ulids, clock } = this.#options;
    const known = await users.findOidcUser(issuer, subject);
    if (known !== undefined) return known;
    if (isWordForMany(name)) throw new LoginRefusedError(takenMessage(name));
    if (!isUserName(name)) throw new LoginRefusedError(`${JSON.stringify(name)} is no user name: ${userNameRule}`);
    // Before anything is kept: somebody new under a name that is taken is nobody.
    if (await isTaken(name)) throw new LoginRefusedError(takenMessage(name));
    try {
      return await users.receiveOidcUser({ issuer, subject, name, fresh: ulids.next(), at: clock.now() });
    } catch (error) {
      if (error instanceof RegistryError && error.code === "CONFLICT") throw new LoginRefusedError(takenMessage(name));
      throw error;
    }
  }
}

function takenMessage(name: string): string {
  return `somebody else is ${name} here already: ask an admin of this registry`;
}
