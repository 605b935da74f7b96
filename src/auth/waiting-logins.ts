const halfLifeMs = 10 * 60 * 1000;

/** How many turns a network has asked for that were no success; half as much counts ten minutes later. */
export class NetworkLoad {
  #turns = 0;
  #at = 0;

  turnsAt(now: number): number {
    return this.#turns === 0 || this.#at === now ? this.#turns : this.#turns * 2 ** ((this.#at - now) / halfLifeMs);
  }

  /** Never below zero. */
  add(turns: number, now: number): void {
    this.#turns = Math.max(0, this.turnsAt(now) + turns);
    this.#at = now;
  }
}

/** A login that waits: told once, by one of the two. */
export interface WaitingLogin {
  /** Of all that ever waited, the how-manieth. */
  readonly number: number;
  readonly begin: () => void;
  readonly refuse: () => void;
}

/** Those of one network, in the order in which they came; never empty. */
interface Line {
  readonly network: string;
  readonly load: NetworkLoad;
  readonly logins: WaitingLogin[];
}

/** Where the first or the last of a line comes among those of others: by the turns, then by how many wait, then by the number. */
interface Rank {
  readonly line: Line;
  readonly turns: number;
  readonly number: number;
}

/**
 * Logins that wait, by network. The next one is of the network that has asked for the fewest turns in vain; of equals the one with
 * fewer that wait, so that networks that are all new to a flood are sorted out as soon as they ask again; then who came first. The
 * last one is found the same way, where those of its network that wait before it count as turns.
 *
 * To take one costs a look at every network that waits, but not at every login.
 */
export class WaitingLogins {
  readonly #lines = new Map<string, Line>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(network: string, load: NetworkLoad, login: WaitingLogin): void {
    const line = this.#lines.get(network);
    if (line === undefined) this.#lines.set(network, { network, load, logins: [login] });
    else line.logins.push(login);
    this.#count++;
  }

  takeFirst(now: number): WaitingLogin | undefined {
    let first: Rank | undefined;
    for (const line of this.#lines.values()) {
      const rank = { line, turns: line.load.turnsAt(now), number: line.logins[0]?.number ?? 0 };
      if (first === undefined || compare(rank, first) < 0) first = rank;
    }
    return this.#taken(first?.line, (logins) => logins.shift());
  }

  takeLast(now: number): WaitingLogin | undefined {
    let last: Rank | undefined;
    for (const line of this.#lines.values()) {
      const turns = line.load.turnsAt(now) + line.logins.length - 1;
      const rank = { line, turns, number: line.logins.at(-1)?.number ?? 0 };
      if (last === undefined || compare(rank, last) > 0) last = rank;
    }
    return this.#taken(last?.line, (logins) => logins.pop());
  }

  #taken(line: Line | undefined, take: (logins: WaitingLogin[]) => WaitingLogin | undefined): WaitingLogin | undefined {
    if (line === undefined) return undefined;
    const login = take(line.logins);
    if (line.logins.length === 0) this.#lines.delete(line.network);
    this.#count--;
    return login;
  }
}

function compare(a: Rank, b: Rank): number {
  return a.turns - b.turns || a.line.logins.length - b.line.logins.length || a.number - b.number;
}
