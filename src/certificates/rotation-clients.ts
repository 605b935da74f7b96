import { LRUCache } from "lru-cache";
import type { RotationClient } from "../core/certificate-administration.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../log.ts";
import type { PkiFiles } from "../pki/pki-files.ts";

interface RotationClientsOptions {
  readonly files: PkiFiles;
  readonly clock: Clock;
  readonly log: Log;
}

/** What is beyond is forgotten, who was seen longest ago first. */
const mostClients = 10_000;
const mostUsers = 16;
/** A crash forgets so much: then a client counts as one that does not know the new root until it comes again. */
const writeEveryMs = 60_000;

interface Client {
  readonly users: Set<string>;
  usedAt: number | undefined;
  fetchedAt: number | undefined;
}

/**
 * Who uses the registry while a new root is announced, and who has fetched that root, by client address: trust belongs to a
 * machine, not to a user. Whether a machine that fetched the root has installed it, nobody can see from here; and behind one
 * address there may be several.
 */
class RotationClients {
  readonly #options: RotationClientsOptions;
  readonly #clients = new LRUCache<string, Client>({ max: mostClients });
  readonly #timer: ReturnType<typeof setInterval>;
  #isNoted = true;

  /** Goes on with what the file has. */
  static async open(options: RotationClientsOptions): Promise<RotationClients> {
    return new RotationClients(options, await readRotationClients(options.files));
  }

  private constructor(options: RotationClientsOptions, known: readonly RotationClient[]) {
    this.#options = options;
    // The one that was seen last is added last.
    for (const { address, users, usedAt, fetchedAt } of known.toReversed())
      this.#clients.set(address, { users: new Set(users), usedAt, fetchedAt });
    this.#timer = setInterval(() => void this.#write(), writeEveryMs);
    this.#timer.unref();
  }

  /** A user's request came from the address. */
  used(address: string, user: string): void {
    const client = this.#clientAt(address);
    client.usedAt = this.#options.clock.now();
    if (client.users.size < mostUsers) client.users.add(user);
  }

  /** Somebody at the address fetched what clients have to trust. */
  fetched(address: string): void {
    this.#clientAt(address).fetchedAt = this.#options.clock.now();
  }

  /** Who was seen last first. */
  list(): readonly RotationClient[] {
    return [...this.#clients].map(([address, { users, usedAt, fetchedAt }]) => ({
      address,
      users: [...users],
      usedAt,
      fetchedAt,
    }));
  }

  /** Writes what is not on the disk yet. With `isOver` nothing is written: the rotation has ended, and its file is gone. */
  async stop(isOver: boolean): Promise<void> {
    clearInterval(this.#timer);
    if (!isOver) await this.#write();
  }

  #clientAt(address: string): Client {
    this.#isNoted = false;
    const known = this.#clients.get(address);
    if (known !== undefined) return known;
    const client: Client = { users: new Set(), usedAt: undefined, fetchedAt: undefined };
    this.#clients.set(address, client);
    return client;
  }

  async #write(): Promise<void> {
    if (this.#isNoted) return;
    this.#isNoted = true;
    try {
      await this.#options.files.write("rotation-clients", `${JSON.stringify(this.list())}\n`);
    } catch (error) {
      this.#isNoted = false;
      this.#options.log.error("which clients know the new root could not be written; it is tried again", { error });
    }
  }
}

/** The clients of the rotation that is going on, if one is. */
export class RotationWatch {
  readonly #options: RotationClientsOptions;
  #clients: RotationClients | undefined;

  constructor(options: RotationClientsOptions) {
    this.#options = options;
  }

  /** Undefined while no root is announced. */
  get clients(): RotationClients | undefined {
    return this.#clients;
  }

  /** Begins to watch, or ends it, as it is due. */
  async follow(isAnnounced: boolean): Promise<void> {
    if (isAnnounced) {
      this.#clients ??= await RotationClients.open(this.#options);
    } else {
      await this.#clients?.stop(true);
      this.#clients = undefined;
    }
  }

  /** Notes what was seen. */
  async stop(): Promise<void> {
    await this.#clients?.stop(false);
  }
}

/** As a server wrote it last; none where there is no file. */
export async function readRotationClients(files: PkiFiles): Promise<readonly RotationClient[]> {
  const text = await files.read("rotation-clients");
  return text === undefined ? [] : (JSON.parse(text) as readonly RotationClient[]);
}
