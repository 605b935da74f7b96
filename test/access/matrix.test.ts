import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { routes } from "../../src/api/routes.ts";
import { casesOf } from "./cases.ts";
import { type MatrixResult, runMatrix } from "./matrix.ts";
import { needs } from "./oracle.ts";
import { differenceOf, pairsOf } from "./pairs.ts";
import { closed, open, type Words } from "./words.ts";
import { makeWorld, type World } from "./world.ts";

const millisecondsForAll = 120_000;

interface Run {
  readonly words: Words;
  readonly result: MatrixResult;
  readonly world: World;
}

let runs: readonly Run[];

async function run(words: Words, isPartly: boolean): Promise<Run> {
  const world = await makeWorld(words);
  // Beside the first, where nothing is open, the second is about what anonymous rules change.
  const isAsked = isPartly
    ? ({ method }: { readonly method: string }) => method === "GET" || method === "POST"
    : undefined;
  return { words, world, result: await runMatrix(world, isAsked === undefined ? {} : { isAsked }) };
}

beforeAll(async () => {
  runs = [await run(closed, false), await run(open, true)];
}, millisecondsForAll);

afterAll(async () => {
  for (const { world } of runs) await world.close();
});

describe("AUTHZ-01: the matrix of the route table", () => {
  test("knows of every row what it needs and what is asked of it", () => {
    const keys = routes.map(({ method, pattern }) => `${method} ${pattern}`);

    expect(keys.toSorted()).toEqual(Object.keys(needs).toSorted());
    expect(routes.filter((row) => casesOf(row, ["a/app"]) === undefined)).toEqual([]);
  });

  test("has more than 20,000 requests, and no answer but those that the rules in words give", () => {
    const requests = runs.reduce((sum, { result }) => sum + result.requests, 0);

    expect(runs.flatMap(({ result }) => result.unexpected).slice(0, 20)).toEqual([]);
    expect(requests).toBeGreaterThan(20_000);
  });

  test("asks with every kind of answer in it: what is let in, turned away, unknown, and wrong", () => {
    const statuses = new Set(runs.flatMap(({ result }) => result.outcomes.map(({ status }) => status)));

    for (const status of [200, 201, 202, 204, 304, 400, 401, 403, 404, 405]) expect(statuses).toContain(status);
  });
});

/** What came of each case for an asker. A token is not asked for with a token, nor is a key made by other than the person. */
function verdictsOf({ result }: Run, asker: string): readonly string[] {
  const own = result.outcomes.filter((outcome) => outcome.asker.name === asker);
  return own
    .filter(({ asked }) => asked.path !== "/token" && asked.what !== "a token" && !isTrick(asked.what))
    .filter(({ path }) => !path.startsWith("/api/v1/me/keys"))
    .map(({ asked, status }) => `${asked.method} ${asked.repository} ${asked.what} ${status}`);
}

function isTrick(what: string): boolean {
  return what.startsWith("path trick") || what.includes("mean nothing") || what === "a method in a header";
}

describe("JWT-11: the same person", () => {
  test.each(["alice by access key", "alice by certificate", "alice by certificate and password", "alice by token"])(
    "may the same as by password: %s",
    (asker) => {
      for (const each of runs) {
        const byPassword = verdictsOf(each, "alice by password");
        expect(byPassword.length).toBeGreaterThan(300);
        expect(verdictsOf(each, asker)).toEqual([...byPassword]);
      }
    },
  );
});

describe("I9: what somebody may not know", () => {
  test("makes no difference in status, headers, body or in what the stores are asked", () => {
    const pairs = runs.flatMap(({ result }) => pairsOf(result.outcomes));
    const differences = pairs.map(differenceOf).filter((each) => each !== undefined);

    expect(differences.slice(0, 10)).toEqual([]);
    expect(pairs.filter(({ reason }) => reason === "refused").length).toBeGreaterThan(5000);
    expect(pairs.filter(({ reason }) => reason === "absent").length).toBeGreaterThan(1000);
  });
});
