import { beforeEach, describe, expect, test } from "bun:test";

import { LoginQueue, type LoginQueueOptions, TooManyLoginsError, type Turn } from "./login-queue.ts";

let now: number;
/** Who had their turn, and who was refused, in this order. */
let seen: string[];
let turns: (Turn & { readonly who: string })[];

beforeEach(() => {
  now = 0;
  seen = [];
  turns = [];
});

function make(options: LoginQueueOptions = {}): LoginQueue {
  return new LoginQueue({ running: 1, waiting: 64, kept: 16, now: () => now, ...options });
}

async function enter(queue: LoginQueue, network: string, who = network): Promise<void> {
  try {
    turns.push({ ...(await queue.enter(network)), who });
    seen.push(who);
  } catch (error) {
    seen.push(error instanceof TooManyLoginsError ? `not ${who}` : String(error));
  }
}

/** Ends the oldest turn, and gives the next its turn. */
async function end(isSuccess = false): Promise<void> {
  turns.shift()?.end({ isSuccess });
  await settled();
}

async function settled(): Promise<void> {
  for (let count = 0; count < 10; count += 1) await Promise.resolve();
}

/** One login, from beginning to end, with nobody else about. */
async function login(queue: LoginQueue, network: string, isSuccess: boolean): Promise<void> {
  await enter(queue, network);
  await end(isSuccess);
  seen = [];
}

async function finish(): Promise<string[]> {
  await settled();
  while (turns.length > 0) await end();
  return seen;
}

describe("AUTH-07: the queue of logins", () => {
  test("lets few have their turn at once, and the others in the order in which they came", async () => {
    const queue = make({ running: 2 });
    for (const network of ["a", "b", "c", "d"]) void enter(queue, network);
    await settled();

    expect(seen).toEqual(["a", "b"]);
    await end();
    expect(seen).toEqual(["a", "b", "c"]);
    expect(await finish()).toEqual(["a", "b", "c", "d"]);
  });

  test("is bounded: who finds it full of others who have as much right is told to come back", async () => {
    const queue = make({ waiting: 2 });
    for (const network of ["a", "b", "c", "d", "e"]) void enter(queue, network);
    await settled();

    expect(seen).toEqual(["a", "not d", "not e"]);
    expect(await finish()).toEqual(["a", "not d", "not e", "b", "c"]);
  });

  test("gives nobody the place of a turn in the moment in which it ends", async () => {
    const queue = make();
    void enter(queue, "a");
    void enter(queue, "b");
    await settled();
    turns.shift()?.end({ isSuccess: false });
    void enter(queue, "late");
    await settled();

    expect(seen).toEqual(["a", "b"]);
    expect(await finish()).toEqual(["a", "b", "late"]);
  });

  test("goes on after it was full and has become empty", async () => {
    const queue = make({ waiting: 0 });
    void enter(queue, "a");
    void enter(queue, "b");
    await finish();

    void enter(queue, "c");
    expect(await finish()).toEqual(["a", "not b", "c"]);
  });
});

describe("AUTH-07: between networks, the queue of logins", () => {
  test("is fair: many logins of one network do not keep out one of another", async () => {
    const queue = make();
    for (let count = 0; count < 100; count += 1) void enter(queue, "many", `many ${count}`);
    await settled();
    seen = [];

    void enter(queue, "one");
    await end();

    expect(seen).toEqual(["not many 64", "one"]);
  });

  test("takes one that has not failed before many that have, however full it is with them", async () => {
    const queue = make();
    for (let network = 0; network < 200; network += 1) await login(queue, `guesser ${network}`, false);
    for (let network = 0; network < 200; network += 1) void enter(queue, `guesser ${network}`);
    await settled();
    seen = [];

    void enter(queue, "fresh");
    await end();

    expect(seen.at(-1)).toBe("fresh");
  });

  test("takes one that asks for one before those that have asked for more since, however many are new", async () => {
    const queue = make();
    for (let network = 0; network < 20; network += 1) void enter(queue, `guesser ${network}`);
    void enter(queue, "fresh");
    for (let network = 0; network < 20; network += 1) void enter(queue, `guesser ${network}`);
    await settled();
    seen = [];

    await end();

    expect(seen).toEqual(["fresh"]);
  });

  test("counts what was refused, too, so that guessers who are many do not stay new", async () => {
    const queue = make({ waiting: 4, kept: 0 });
    for (let network = 0; network < 20; network += 1) void enter(queue, `guesser ${network}`);
    await finish();
    for (let network = 0; network < 20; network += 1) void enter(queue, `guesser ${network}`);
    await settled();
    seen = [];

    void enter(queue, "fresh");
    await end();

    expect(seen.at(-1)).toBe("fresh");
  });

  test("holds nothing against a network whose logins succeed", async () => {
    const queue = make();
    await login(queue, "quiet", true);
    for (let count = 0; count < 50; count += 1) await login(queue, "busy", true);
    for (const network of ["first", "busy", "quiet"]) void enter(queue, network);

    expect(await finish()).toEqual(["first", "busy", "quiet"]);
  });

  test("forgets by and by", async () => {
    const queue = make();
    for (let count = 0; count < 4; count += 1) await login(queue, "long ago", false);
    now += 60 * 60_000;
    await login(queue, "just now", false);
    void enter(queue, "first");
    void enter(queue, "just now");
    void enter(queue, "long ago");

    expect(await finish()).toEqual(["first", "long ago", "just now"]);
  });

  test("gives every other turn to networks that have logged in before, and every other to the rest", async () => {
    const queue = make();
    await login(queue, "office", true);
    void enter(queue, "first");
    for (const network of ["new 1", "new 2", "new 3"]) void enter(queue, network);
    for (const who of ["office 1", "office 2", "office 3"]) void enter(queue, "office", who);

    expect(await finish()).toEqual(["first", "office 1", "new 1", "office 2", "new 2", "office 3", "new 3"]);
  });

  test("keeps places for networks that have logged in before, which new ones in any number cannot take", async () => {
    const queue = make();
    await login(queue, "office", true);
    for (let network = 0; network < 1000; network += 1) void enter(queue, `new ${network}`);
    await settled();
    seen = [];

    for (let count = 0; count < 17; count += 1) void enter(queue, "office", `office ${count}`);
    const all = await finish();

    expect(all.filter((who) => who.startsWith("office"))).toHaveLength(16);
    expect(all.filter((who) => who === "not office 16")).toHaveLength(1);
    expect(all.filter((who) => who.startsWith("not new"))).toHaveLength(16);
  });

  test("keeps the other places for new ones, which those that have logged in before cannot take", async () => {
    const queue = make();
    await login(queue, "office", true);
    for (let count = 0; count < 100; count += 1) void enter(queue, "office", `office ${count}`);
    await settled();

    void enter(queue, "new");

    expect((await finish()).slice(-64)).toContain("new");
  });

  test("knows a network for 30 days after its last success", async () => {
    const queue = make();
    await login(queue, "office", true);
    now += 30 * 24 * 60 * 60_000;
    void enter(queue, "first");
    void enter(queue, "new");
    void enter(queue, "office");

    expect(await finish()).toEqual(["first", "new", "office"]);
  });
});
