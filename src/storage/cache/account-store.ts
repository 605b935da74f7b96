import {
  type AccountStore,
  hasExpired,
  principalOfRobot,
  principalOfUser,
  type RobotRecord,
  type UserRecord,
} from "../../core/account-store.ts";
import type { Change } from "../../core/metadata-store.ts";
import type { ExternalSource, Principal, PrincipalId } from "../../core/principal.ts";
import { Flights } from "./flights.ts";

/**
 * Puts a memory before an account store. All users and robots are held, so that a name that nobody has costs no more than one
 * that somebody has. Every change has to go through what is answered here.
 */
export function cacheAccounts(store: AccountStore): AccountStore {
  return new CachedAccountStore(store);
}

/** The maps are in the order of the lists. */
interface Accounts {
  readonly users: ReadonlyMap<string, UserRecord>;
  readonly robots: ReadonlyMap<string, RobotRecord>;
  readonly principals: ReadonlyMap<
    PrincipalId,
    { readonly principal: Principal; readonly expiresAt: number | undefined }
  >;
}

/** What is kept of those from elsewhere: as many as an htpasswd file has lines, or a directory people who log in. */
interface External {
  readonly ids: Map<string, PrincipalId>;
  readonly principals: Map<PrincipalId, Principal>;
}

// All users and robots are one answer.
const accounts = "accounts";

class CachedAccountStore implements AccountStore {
  readonly #store: AccountStore;
  readonly #flights = new Flights();
  #accounts: Accounts | undefined;
  /** A removal of some begins empty maps; older ones are not used. */
  #external: External = { ids: new Map(), principals: new Map() };

  constructor(store: AccountStore) {
    this.#store = store;
  }

  async findUser(name: string): Promise<UserRecord | undefined> {
    return (this.#accounts ?? (await this.#read())).users.get(name);
  }

  async listUsers(): Promise<readonly UserRecord[]> {
    return [...(this.#accounts ?? (await this.#read())).users.values()];
  }

  createUser(user: Omit<UserRecord, "credentialVersion" | "createdAt">, change: Change): Promise<void> {
    return this.#change(() => this.#store.createUser(user, change));
  }

  setPassword(name: string, passwordHash: string, change: Change): Promise<boolean> {
    return this.#change(() => this.#store.setPassword(name, passwordHash, change));
  }

  removeUser(name: string, change: Change): Promise<boolean> {
    return this.#change(() => this.#store.removeUser(name, change));
  }

  async findRobot(name: string): Promise<RobotRecord | undefined> {
    return (this.#accounts ?? (await this.#read())).robots.get(name);
  }

  async listRobots(): Promise<readonly RobotRecord[]> {
    return [...(this.#accounts ?? (await this.#read())).robots.values()];
  }

  createRobot(robot: Omit<RobotRecord, "createdAt">, change: Change): Promise<void> {
    return this.#change(() => this.#store.createRobot(robot, change));
  }

  removeRobot(name: string, change: Change): Promise<boolean> {
    return this.#change(() => this.#store.removeRobot(name, change));
  }

  async findPrincipal(id: PrincipalId, now: number): Promise<Principal | undefined> {
    const own = (this.#accounts ?? (await this.#read())).principals.get(id);
    if (own !== undefined) return hasExpired(own, now) ? undefined : own.principal;
    const memory = this.#external.principals;
    const known = memory.get(id);
    if (known !== undefined) return known;
    const found = await this.#store.findPrincipal(id, now);
    // One of dozo's own was made meanwhile, and stands with the others.
    if (found !== undefined && found.source !== "dozo") memory.set(id, found);
    return found;
  }

  listExternalNames(source: ExternalSource): Promise<readonly string[]> {
    return this.#store.listExternalNames(source);
  }

  async externalPrincipal(source: ExternalSource, name: string, fresh: PrincipalId, at: number): Promise<PrincipalId> {
    const key = `${source}:${name}`;
    const memory = this.#external.ids;
    const known = memory.get(key);
    if (known !== undefined) return known;
    const id = await this.#store.externalPrincipal(source, name, fresh, at);
    memory.set(key, id);
    return id;
  }

  async findExternalPrincipal(source: ExternalSource, name: string): Promise<PrincipalId | undefined> {
    return this.#external.ids.get(`${source}:${name}`) ?? (await this.#store.findExternalPrincipal(source, name));
  }

  removeExternalPrincipal(source: ExternalSource, name: string, change: Change): Promise<boolean> {
    return this.#changeExternal(() => this.#store.removeExternalPrincipal(source, name, change));
  }

  keepExternalPrincipals(source: ExternalSource, names: readonly string[], at: number): Promise<void> {
    return this.#changeExternal(() => this.#store.keepExternalPrincipals(source, names, at));
  }

  #read(): Promise<Accounts> {
    const read = async (): Promise<Accounts> => {
      const [users, robots] = await Promise.all([this.#store.listUsers(), this.#store.listRobots()]);
      return toAccounts(users, robots);
    };
    return this.#flights.read(accounts, accounts, read, (all) => {
      this.#accounts = all;
    });
  }

  #changeExternal<Answer>(change: () => Promise<Answer>): Promise<Answer> {
    return this.#change(async () => {
      try {
        return await change();
      } finally {
        this.#external = { ids: new Map(), principals: new Map() };
      }
    });
  }

  #change<Answer>(change: () => Promise<Answer>): Promise<Answer> {
    const forget = (): void => {
      this.#accounts = undefined;
    };
    return this.#flights.change([accounts], forget, change);
  }
}

function toAccounts(users: readonly UserRecord[], robots: readonly RobotRecord[]): Accounts {
  return {
    users: new Map(users.map((user) => [user.name, user])),
    robots: new Map(robots.map((robot) => [robot.name, robot])),
    principals: new Map([
      ...users.map((user) => [user.id, { principal: principalOfUser(user), expiresAt: undefined }] as const),
      ...robots.map((robot) => [robot.id, { principal: principalOfRobot(robot), expiresAt: robot.expiresAt }] as const),
    ]),
  };
}
