import type { AccountStore } from "../../core/account-store.ts";
import type { Clock } from "../../core/clock.ts";
import { RegistryError } from "../../core/error.ts";
import type { Principal } from "../../core/principal.ts";
import type { UlidSource } from "../../core/ulid.ts";
import type { Log } from "../../log.ts";
import type { Directory, DirectoryUser } from "./directory.ts";
import { DirectoryUnavailableError } from "./directory-error.ts";

export interface DirectoryUsersOptions {
  readonly directory: Pick<Directory, "verify" | "lookUp" | "probe">;
  readonly accounts: Pick<AccountStore, "externalPrincipal" | "listExternalNames" | "removeExternalPrincipal">;
  /** Whether a user who goes before one of the directory has this name. */
  readonly isTaken: (name: string) => Promise<boolean>;
  /** Takes all groups of a principal, and forgets those of before. */
  readonly replaceGroups: (principal: Principal["id"], source: "ldap", names: readonly string[]) => Promise<void>;
  /** Who removes those whom the directory no longer has. */
  readonly by: Principal["id"];
  readonly ulids: UlidSource;
  readonly clock: Clock;
  readonly log: Log;
}

export type DirectoryLogin =
  | { readonly kind: "principal"; readonly principal: Principal }
  | { readonly kind: "refused"; readonly reason: string };

/** The slowest of so many logins is what a failed one waits for. */
const measuredLogins = 32;
const firstGuessMs = 50;
const mostMs = 2000;

/** The users of the directory as principals: never admins, with the groups that the directory says, and by the name that it says. */
export class DirectoryUsers {
  readonly #options: DirectoryUsersOptions;
  readonly #tookMs: number[] = [];
  /** Whom the directory did not have when all were looked up. */
  #missing: ReadonlySet<string> = new Set();

  constructor(options: DirectoryUsersOptions) {
    this.#options = options;
  }

  /** How long a login may take at the directory as things are, in milliseconds. */
  get usualMs(): number {
    return Math.min(mostMs, Math.max(firstGuessMs, ...this.#tookMs));
  }

  /**
   * Who logs in with this. Their groups are the directory's from now on. Rejects with `UNAVAILABLE` when the directory cannot be
   * asked: nobody is let in, and nobody is told that the password is wrong.
   */
  async logIn(name: string, password: string): Promise<DirectoryLogin> {
    const startedAt = performance.now();
    const verdict = await this.#asked(this.#options.directory.verify(name, password));
    this.#tookMs.push(performance.now() - startedAt);
    if (this.#tookMs.length > measuredLogins) this.#tookMs.shift();
    if (verdict.kind === "wrong") return { kind: "refused", reason: verdict.reason };
    const principal = await this.#principal(verdict.user);
    if (principal === undefined)
      return {
        kind: "refused",
        reason: `${verdict.user.name} is the name of a user of dozo's own or of the htpasswd file`,
      };
    return { kind: "principal", principal };
  }

  /** Says in the log whether the directory can be asked. Never throws: without it the other users log in all the same. */
  async announce(): Promise<void> {
    const { directory, log } = this.#options;
    try {
      await directory.probe();
      log.info("users of the directory (ldap) may log in");
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.error("the directory (ldap) cannot be asked; until it can, its users are answered 503", { reason });
    }
  }

  /** Whom the directory means by a name, for rules about somebody who has not logged in yet. Rejects as `logIn` does. */
  async find(name: string): Promise<Principal | undefined> {
    const user = await this.#asked(this.#options.directory.lookUp(name));
    return user === undefined ? undefined : this.#principal(user);
  }

  /**
   * Looks everybody up who has been here, and takes what the directory says now: their groups, and who is gone. Their access keys and
   * robots live on without a login, so this is what ends them. Who is not there twice in a row is removed, for ever: somebody
   * who gets the name later is somebody else. Rejects as `logIn` does, and nobody is removed then.
   */
  async refresh(): Promise<void> {
    const { directory, accounts } = this.#options;
    const names = await accounts.listExternalNames("ldap");
    const missing = new Set<string>();
    for (const name of names) {
      const user = await this.#asked(directory.lookUp(name));
      if (user?.name === name) await this.#principal(user);
      else missing.add(name);
    }
    const gone = [...missing].filter((name) => this.#missing.has(name));
    this.#missing = missing;
    await this.#remove(gone, names.length);
  }

  async #remove(gone: readonly string[], known: number): Promise<void> {
    const { accounts, clock, log, by } = this.#options;
    if (gone.length > 1 && gone.length === known) {
      log.error(
        "the directory (ldap) has none of its users any more, so nobody was removed: are ldap.base, ldap.userFilter and ldap.allowedGroups right?",
      );
      return;
    }
    for (const name of gone) {
      await accounts.removeExternalPrincipal("ldap", name, { by, at: clock.now() });
      log.info("a user whom the directory (ldap) no longer has was removed", { user: name });
    }
  }

  async #principal({ name, groups }: DirectoryUser): Promise<Principal | undefined> {
    const { accounts, isTaken, replaceGroups, ulids, clock } = this.#options;
    if (await isTaken(name)) return undefined;
    const id = await accounts.externalPrincipal("ldap", name, ulids.next(), clock.now());
    await replaceGroups(id, "ldap", groups);
    return { id, name, isAdmin: false, kind: "user", source: "ldap" };
  }

  async #asked<Answer>(answer: Promise<Answer>): Promise<Answer> {
    try {
      return await answer;
    } catch (error) {
      if (!(error instanceof DirectoryUnavailableError)) throw error;
      throw new RegistryError("UNAVAILABLE", "logins cannot be checked now, try again later", {
        cause: error,
        retryAfterSeconds: 5,
      });
    }
  }
}
