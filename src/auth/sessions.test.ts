import { beforeEach, describe, expect, test } from "bun:test";

import type { Principal } from "../core/principal.ts";
import type { Ulid } from "../core/ulid.ts";
import { Sessions } from "./sessions.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

let now: number;
let versions: Map<string, number>;

const clock = { now: () => now };
const versionOf = (name: string): string => String(versions.get(name) ?? 0);

function principal(number: number): Principal {
  const id = `01ARZ3NDEKTSV4RRFF${String(number).padStart(8, "0")}` as Ulid;
  return { id, name: `user${number}`, isAdmin: false, kind: "user", source: "dozo" };
}

const alice = principal(1);

function sessions(most = 10_000, mostOfOne = 20): Sessions {
  return new Sessions({ clock, versionOf, most, mostOfOne });
}

function begin(all: Sessions, who: Principal = alice): string {
  return all.begin(who);
}

beforeEach(() => {
  now = 1_000_000;
  versions = new Map();
});

describe("SES-01: an id", () => {
  test("is another one at each login, of 256 bits", () => {
    const all = sessions();
    const ids = [begin(all), begin(all)];

    expect(new Set(ids).size).toBe(2);
    for (const id of ids) expect(Buffer.from(id, "base64url")).toHaveLength(32);
    expect(all.find(ids[0] ?? "")?.principal).toEqual(alice);
  });

  test("that nobody was given opens nothing, whatever it looks like", () => {
    const all = sessions();
    begin(all);

    for (const id of ["", "x", "A".repeat(43), "é".repeat(43), "A".repeat(1_000_000), "__proto__"])
      expect(all.find(id)).toBeUndefined();
  });

  test("stands nowhere in what is kept", () => {
    const all = sessions();
    const id = begin(all);

    expect(Bun.inspect(all, { depth: 20 })).not.toContain(id);
  });
});

describe("SES-02: a session ends", () => {
  test("after half an hour without a request, and not with one in between", () => {
    const all = sessions();
    const id = begin(all);

    now += 29 * minuteMs;
    expect(all.find(id)).toBeDefined();
    now += 29 * minuteMs;
    expect(all.find(id)).toBeDefined();
    now += 30 * minuteMs;
    expect(all.find(id)).toBeUndefined();
    now -= 15 * minuteMs;
    expect(all.find(id)).toBeUndefined();
  });

  test("after twelve hours, however busy it is", () => {
    const all = sessions();
    const id = begin(all);

    for (let quarters = 1; quarters < 48; quarters += 1) {
      now += hourMs / 4;
      expect(all.find(id)).toBeDefined();
    }
    now += hourMs / 4;
    expect(all.find(id)).toBeUndefined();
  });

  test("when the clock is set to before it began", () => {
    const all = sessions();
    const id = begin(all);

    now -= hourMs;

    expect(all.find(id)).toBeUndefined();
  });

  test("at the logout, for who has a copy too, and no other session with it", () => {
    const all = sessions();
    const [first, second] = [begin(all), begin(all)];

    all.end(first);
    all.end("nothing");

    expect(all.find(first)).toBeUndefined();
    expect(all.find(second)).toBeDefined();
  });

  test("when the user changes, and nobody else's with it", () => {
    const all = sessions();
    const [own, other] = [begin(all), begin(all, principal(2))];

    versions.set(alice.name, 1);

    expect(all.find(own)).toBeUndefined();
    expect(all.find(other)).toBeDefined();
  });
});

describe("SES-03: there is nothing that outlives a session, and no more of them than a bound", () => {
  test("of one user", () => {
    const all = sessions(100, 3);
    const other = begin(all, principal(2));
    const ids = Array.from({ length: 5 }, () => begin(all));

    expect(ids.map((id) => all.find(id) !== undefined)).toEqual([false, false, true, true, true]);
    expect(all.find(other)).toBeDefined();
  });

  test("of all together", () => {
    const all = sessions(3);
    const ids = [1, 2, 3, 4, 5].map((number) => begin(all, principal(number)));

    expect(ids.filter((id) => all.find(id) !== undefined)).toHaveLength(3);
  });
});

describe("a form's token", () => {
  test("is good for the secret that it was made for, in this process, and for no other", () => {
    const all = sessions();
    const [id, other] = [begin(all), begin(all)];
    const token = all.find(id)?.formToken ?? "";

    expect(all.isFormOf(id, token)).toBe(true);
    for (const wrong of ["", id, token.slice(1), `${token}x`, all.formTokenOf(other), sessions().formTokenOf(id)])
      expect(all.isFormOf(id, wrong)).toBe(false);
  });
});
