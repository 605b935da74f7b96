import { writeAccessKey } from "../../src/core/access-key.ts";
import type { NewAccessKey } from "../../src/core/access-key-administration.ts";
import type { Ulid } from "../../src/core/ulid.ts";
import type { Asker } from "./askers.ts";
import type { LimitWords, Standing } from "./oracle.ts";
import type { Deed } from "./words.ts";
import { tokenOf, everyScope } from "./tokens.ts";
import { passwordOf, unlimited, type World } from "./world.ts";

const refused: Standing = { kind: "refused" };
const allDeeds: readonly Deed[] = ["pull", "push", "overwrite", "delete", "admin"];

function basic(name: string, password: string): Pick<Asker, "headers"> {
  return { headers: { authorization: `Basic ${btoa(`${name}:${password}`)}` } };
}

function bearer(key: string): Pick<Asker, "headers"> {
  return { headers: { authorization: `Bearer ${key}` } };
}

function limits(repositories: string, actions: readonly Deed[]): LimitWords {
  return { grants: [{ repositories, actions }], catalog: "granted", isToken: false };
}

/** Access keys that are good for less than their users may, or for more, and what is had with them. */
export async function limitedKeys(world: World): Promise<readonly Asker[]> {
  const { administration } = world;
  const made = async (name: string, repositories: readonly string[], actions: readonly Deed[]): Promise<string> =>
    (await administration.createKey(name, { repositories, actions, lifetimeMs: 1000 } satisfies NewAccessKey)).key;
  const ask = async (
    what: string,
    name: string,
    repositories: string,
    actions: readonly Deed[],
    given = actions,
  ): Promise<Asker> => ({
    name: `${name} by a key ${what}`,
    standing: { kind: "person", name, shows: "key", limits: limits(repositories, given) },
    about: "some",
    ...basic(name, await made(name, [repositories], actions)),
    id: world.idOf(name),
  });
  const ofTokens = await made("root", ["a/*"], ["pull", "push"]);
  const tokens: LimitWords = {
    grants: [{ repositories: "**", actions: ["pull", "push", "overwrite", "delete"] }],
    catalog: "all",
    isToken: true,
    within: limits("a/*", ["pull", "push"]),
  };
  return [
    await ask("to pull one", "alice", "a/app", ["pull"]),
    await ask("to push", "alice", "a/*", ["push"]),
    await ask("to pull and push", "root", "a/*", ["pull", "push"]),
    await ask("to pull", "root", "**", ["pull"]),
    await ask("for everything in some", "root", "*/app", [], allDeeds),
    await ask("to administer repositories", "root", "**", ["admin"]),
    await ask("for what is not theirs", "bob", "a/*", [], allDeeds),
    {
      name: "root by a token that was had with a limited key",
      standing: { kind: "person", name: "root", getsNoToken: true, shows: "token", limits: tokens },
      about: "some",
      ...bearer((await tokenOf(world, "root", everyScope, ofTokens)) ?? ""),
      id: world.idOf("root"),
    },
    ...(await worthlessKeys(world)),
  ];
}

async function worthlessKeys(world: World): Promise<readonly Asker[]> {
  const { administration } = world;
  const ended = await world.earlier(5000, () => administration.createKey("root", unlimited));
  const [secretOfKey, other] = [await administration.createKey("root", unlimited), new Uint8Array(32).fill(7)];
  return [
    { name: "an access key that has ended", standing: refused, ...basic("root", ended.key) },
    {
      name: "an access key of which only the id is known",
      standing: refused,
      ...basic("root", writeAccessKey(secretOfKey.id as Ulid, other)),
    },
  ];
}

/** Robots by their keys, and what robots cannot be. */
export async function robots(world: World): Promise<readonly Asker[]> {
  const keyOf = async (name: string): Promise<string> => (await world.administration.createKey(name, unlimited)).key;
  const askers: Asker[] = [];
  for (const { name } of world.words.robots) {
    const shown = basic(name, await keyOf(name));
    const standing = { kind: "person", name, shows: "key" } as const;
    askers.push({ name: `${name} by access key`, standing, about: "some", id: world.idOf(name), ...shown });
  }
  const ofRobot = await keyOf("alices-bot");
  askers.push({
    name: "alices-bot by token",
    standing: { kind: "person", name: "alices-bot", getsNoToken: true, shows: "token" },
    about: "some",
    ...bearer((await tokenOf(world, "alices-bot", everyScope, ofRobot)) ?? ""),
    id: world.idOf("alices-bot"),
  });
  for (const name of ["orphan", "ended", "scrapped"])
    askers.push({ name: `a robot: ${name}`, standing: refused, ...basic(name, world.formerKeys.get(name) ?? "") });
  return [
    ...askers,
    { name: "a robot by a password of the htpasswd file", standing: refused, ...basic("ci", passwordOf("ci")) },
    { name: "a robot's key in its owner's name", standing: refused, ...basic("alice", ofRobot) },
  ];
}
