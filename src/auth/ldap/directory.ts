import type { Entry } from "ldapts";

import { DirectoryConnection } from "./connection.ts";
import { DirectoryUnavailableError } from "./directory-error.ts";
import { fillFilter, isFilter } from "./filter.ts";
import { Turns } from "./turns.ts";

export interface DirectoryOptions {
  /** In the order in which they are tried. */
  readonly urls: readonly string[];
  readonly startTls: boolean;
  readonly caPem: string | undefined;
  /** The account that searches; undefined: nobody, where the directory lets anybody search. */
  readonly searcher: { readonly dn: string; readonly password: () => Promise<string> } | undefined;
  readonly base: string;
  /** With `{name}` in it. */
  readonly userFilter: string;
  /** The attribute with the name that a user has here. */
  readonly nameAttribute: string;
  readonly groupBase: string;
  /** With `{dn}` or `{name}` in it: the groups of a user. */
  readonly groupFilter: string;
  /** The attribute with the name that a group has here. */
  readonly groupAttribute: string;
  /** Who is in none of these may not log in; empty: everybody may. */
  readonly allowedGroups: readonly string[];
  readonly timeoutMs: number;
}

/** Somebody whom the directory knows, by the name that it has for them, however it was typed; and all of their groups. */
export interface DirectoryUser {
  readonly name: string;
  readonly groups: readonly string[];
}

/** What the directory says of a name and a password; the reason is for the log. */
export type DirectoryVerdict =
  | { readonly kind: "right"; readonly user: DirectoryUser }
  | { readonly kind: "wrong"; readonly reason: string };

/** A user's entry, and what its name is here. */
interface Found {
  readonly dn: string;
  readonly name: string;
  /** As the entry has it: some directories tell letters of two cases apart in their groups. */
  readonly written: string;
}

const maxNameLength = 256;
const maxGroups = 1000;
const outageMs = 1000;

/**
 * A directory of users (LDAP, Active Directory), asked anew each time over a connection of its own: it looks for the one entry that
 * a name means, and then has the directory judge the password. Eight at once, 64 waiting. Names of users and groups are in lower
 * case, whatever the directory and the user write: for a directory it is one name, and rules compare letter by letter.
 */
export class Directory {
  readonly #options: DirectoryOptions;
  readonly #allowedGroups: ReadonlySet<string>;
  readonly #turns = new Turns({ atOnce: 8, waiting: 64 });
  /** The server that answered last; the others are asked when it does not. */
  #preferred = 0;
  /** Why it could not be asked, and until when that is the answer: so that nobody waits for a directory that is away. */
  #outage: { readonly reason: string; readonly until: number } | undefined;

  /** Throws for filters that are none. */
  constructor(options: DirectoryOptions) {
    for (const key of ["userFilter", "groupFilter"] as const)
      if (!isFilter(options[key])) throw new Error(`ldap.${key} is no filter (RFC 4515): ${options[key]}`);
    this.#options = options;
    this.#allowedGroups = new Set(options.allowedGroups.map((name) => name.toLowerCase()));
  }

  /**
   * Whether this is the password of the one user whom the name means. Rejects with a `DirectoryUnavailableError` when the directory
   * cannot be asked: then nobody knows.
   */
  verify(name: string, password: string): Promise<DirectoryVerdict> {
    return this.#asking(async (connection) => {
      const found = await this.#find(connection, name);
      if (typeof found === "string") return wrong(found);
      if (!(await connection.bind(found.dn, password))) return wrong("the directory refuses the password");
      // What users may read of themselves is not always all of their groups.
      await this.#bindSearcher(connection);
      const user = await this.#complete(connection, found);
      return typeof user === "string" ? wrong(user) : { kind: "right", user };
    });
  }

  /** Whom the name means, without a password; undefined when nobody who may log in. Rejects as `verify` does. */
  lookUp(name: string): Promise<DirectoryUser | undefined> {
    return this.#asking(async (connection) => {
      const found = await this.#find(connection, name);
      const user = typeof found === "string" ? found : await this.#complete(connection, found);
      return typeof user === "string" ? undefined : user;
    });
  }

  /** Whether it can be asked at all: rejects as `verify` does. */
  probe(): Promise<void> {
    return this.#asking(async (connection) => {
      await this.#find(connection, "nobody");
    });
  }

  /** The one entry, or why there is none that counts. */
  async #find(connection: DirectoryConnection, name: string): Promise<Found | string> {
    if (!isPossibleName(name)) return "nobody can have this name";
    const { base, userFilter, nameAttribute } = this.#options;
    const [entry, ...more] = await connection.search(base, fillFilter(userFilter, { name, dn: "" }), [nameAttribute]);
    if (entry === undefined) return "the directory has no such user";
    if (more.length > 0) return `ldap.userFilter means ${more.length + 1} entries by this name, and has to mean one`;
    const [written, ...others] = valuesOf(entry, nameAttribute);
    // Of two names one would be free of the rules that were made about the other.
    if (written === undefined || others.length > 0 || !isPossibleName(written))
      return `${entry.dn} has not one ${nameAttribute} that can be a name here`;
    return { dn: entry.dn, name: written.toLowerCase(), written };
  }

  /** With the groups; or why the user may not log in. */
  async #complete(connection: DirectoryConnection, { dn, name, written }: Found): Promise<DirectoryUser | string> {
    const { groupBase, groupFilter, groupAttribute } = this.#options;
    const entries = await connection.search(groupBase, fillFilter(groupFilter, { name: written, dn }), [
      groupAttribute,
    ]);
    const names = entries.flatMap((entry) => valuesOf(entry, groupAttribute));
    const groups = [...new Set(names.map((each) => each.toLowerCase()))];
    if (groups.length > maxGroups) throw new DirectoryUnavailableError(`${dn} is in more than ${maxGroups} groups`);
    const isLetIn = this.#allowedGroups.size === 0 || groups.some((group) => this.#allowedGroups.has(group));
    return isLetIn ? { name, groups } : "the user is in none of ldap.allowedGroups";
  }

  #asking<Answer>(work: (connection: DirectoryConnection) => Promise<Answer>): Promise<Answer> {
    return this.#turns.take(async () => {
      const connection = await this.#connect();
      try {
        return await work(connection);
      } finally {
        connection.close();
      }
    });
  }

  /** To the first server that answers, as the account that searches. */
  async #connect(): Promise<DirectoryConnection> {
    const { urls } = this.#options;
    if (this.#outage !== undefined && performance.now() < this.#outage.until)
      throw new DirectoryUnavailableError(this.#outage.reason);
    const reasons: string[] = [];
    for (const step of urls.keys()) {
      const index = (this.#preferred + step) % urls.length;
      const url = urls[index] ?? "";
      try {
        const connection = await this.#open(url);
        this.#preferred = index;
        return connection;
      } catch (error) {
        reasons.push(`${url}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    const reason = reasons.join("; ");
    this.#outage = { reason, until: performance.now() + outageMs };
    throw new DirectoryUnavailableError(reason);
  }

  async #open(url: string): Promise<DirectoryConnection> {
    const { startTls, caPem, timeoutMs } = this.#options;
    const connection = await DirectoryConnection.open({ url, startTls, caPem, timeoutMs });
    try {
      await this.#bindSearcher(connection);
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  async #bindSearcher(connection: DirectoryConnection): Promise<void> {
    const { searcher } = this.#options;
    if (searcher === undefined) return connection.bindAsNobody();
    const password = await searcher.password().catch((error: unknown) => {
      throw new DirectoryUnavailableError("the file of ldap.bindPasswordFile cannot be read", error);
    });
    if (!(await connection.bind(searcher.dn, password)))
      throw new DirectoryUnavailableError("it refuses ldap.bindDn with the password in ldap.bindPasswordFile");
  }
}

function wrong(reason: string): DirectoryVerdict {
  return { kind: "wrong", reason };
}

/** No control characters, no space around it, no colon (which no name of a login has), and not as the process calls its own. */
function isPossibleName(name: string): boolean {
  return name.length <= maxNameLength && /^[^\p{C}\s~:](?:[^\p{C}:]*[^\p{C}\s:])?$/u.test(name);
}

/** Attributes are called as the directory calls them, in whatever case. */
function valuesOf(entry: Entry, attribute: string): readonly string[] {
  const key = Object.keys(entry).find((each) => each.toLowerCase() === attribute.toLowerCase()) ?? attribute;
  return [entry[key] ?? []].flat().filter((value) => typeof value === "string");
}
