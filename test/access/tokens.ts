import { silentLog } from "../../src/log.ts";
import type { Asker } from "./askers.ts";
import type { LimitWords } from "./oracle.ts";
import { repositories } from "./words.ts";
import { formerPassword, passwordOf, type World } from "./world.ts";

type Grants = LimitWords["grants"];

/** A token of somebody's, or of nobody's, for these scopes; undefined where none is given. */
export async function tokenOf(
  { handle }: World,
  name: string | undefined,
  scopes: readonly string[],
  password = passwordOf(name ?? ""),
): Promise<string | undefined> {
  const headers: Record<string, string> =
    name === undefined ? {} : { authorization: `Basic ${btoa(`${name}:${password}`)}` };
  const query = new URLSearchParams(scopes.map((scope) => ["scope", scope])).toString();
  const request = new Request(`http://registry.test/token?${query}`, { headers });
  const answer = await handle(request, { address: "10.255.0.1" });
  const { token } = (await answer.json()) as { readonly token?: string };
  return token;
}

function bearer(token: string | undefined): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${token ?? ""}` };
}

export const everyScope = [...repositories.map(({ name }) => `repository:${name}:*`), "registry:catalog:*"];

/** JWT-11: with a token for all repositories somebody may what they may without one, and no more. */
export async function tokens(world: World): Promise<readonly Asker[]> {
  const ask = async (name: string): Promise<Asker> => ({
    name: `${name} by token`,
    standing: { kind: "person", name, getsNoToken: true, shows: "token" },
    headers: bearer(await tokenOf(world, name, everyScope)),
    id: world.idOf(name),
  });
  return Promise.all(["alice", "carol", "dan", "pam"].map(ask));
}

function app(...actions: Grants[number]["actions"]): Grants {
  return [{ repositories: "a/app", actions }];
}

/** Tokens for less than their holders may, and for more. */
export async function limitedTokens(world: World): Promise<readonly Asker[]> {
  const everything = ["pull", "push", "overwrite", "delete"] as const;
  const ask = async (
    what: string,
    name: string,
    scopes: readonly string[],
    grants: Grants,
    catalog: LimitWords["catalog"] = "none",
  ): Promise<Asker> => ({
    name: `${name} by a token ${what}`,
    standing: { kind: "person", name, getsNoToken: true, shows: "token", limits: { grants, catalog, isToken: true } },
    about: "some",
    headers: bearer(await tokenOf(world, name, scopes)),
    id: world.idOf(name),
  });
  const askers = [
    ask("to pull one", "alice", ["repository:a/app:pull"], app("pull")),
    ask("to delete in one", "alice", ["repository:a/app:delete"], app("delete")),
    // LEAK-02: it may bring nothing from where it may not pull.
    ask(
      "to push into another",
      "alice",
      ["repository:a/two:push"],
      [{ repositories: "a/two", actions: ["push", "overwrite"] }],
    ),
    ask(
      "to mount",
      "alice",
      ["repository:a/two:pull,push repository:a/app:pull"],
      [{ repositories: "a/two", actions: ["pull", "push", "overwrite"] }, ...app("pull")],
    ),
    ask("to list", "alice", ["registry:catalog:*"], [], "all"),
    ask("for nothing", "alice", [], []),
    ask("for what is not theirs", "bob", ["repository:a/app:pull,push,delete"], []),
    ask("for all that tokens are for", "root", everyScope, [{ repositories: "**", actions: everything }], "all"),
  ];
  return [...(await Promise.all(askers)), ...(await tokensOfNobody(world))];
}

/** Where something is open to them, those who are not logged in get tokens too. */
async function tokensOfNobody(world: World): Promise<readonly Asker[]> {
  const token = await tokenOf(world, undefined, ["repository:z/app:pull,push", "repository:b/app:pull"]);
  if (token === undefined) return [];
  const grants: Grants = [{ repositories: "z/app", actions: ["pull"] }];
  const limits: LimitWords = { grants, catalog: "none", isToken: true };
  return [{ name: "nobody by a token", standing: { kind: "nobody", limits }, headers: bearer(token) }];
}

function refused(name: string, token: string | undefined): Asker {
  return { name: `a token ${name}`, standing: { kind: "refused" }, headers: bearer(token) };
}

/** Tokens that are worth nothing, or nothing any more. */
export async function worthlessTokens(world: World): Promise<readonly Asker[]> {
  const { administration } = world;
  const roots = (await tokenOf(world, "root", everyScope)) ?? "";
  const ritas = (await tokenOf(world, "rita", everyScope)) ?? "";
  const [header, , signature] = roots.split(".");
  const ended = await world.earlier(10 * 60_000, () => usedToken(world, "root", passwordOf("root")));
  const early = await world.earlier(-10 * 60_000, () => tokenOf(world, "root", everyScope));
  const password = "what it was at first";
  for (const name of ["late", "later"]) await administration.addUser({ name, password, isAdmin: true });
  const removed = await usedToken(world, "late", password);
  await administration.removeUser("late");
  const changed = await usedToken(world, "later", password);
  await administration.changePassword("later", formerPassword);
  return [
    refused("that has ended", ended),
    refused("of the future", early),
    refused("of somebody who was removed", removed),
    refused("of a password that was changed", changed),
    refused("with another's claims", `${header}.${ritas.split(".")[1]}.${signature}`),
    refused("without a signature", roots.slice(0, roots.lastIndexOf(".") + 1)),
    refused("of another registry", await tokenOfAnother(world)),
  ];
}

/** One that was good, and is remembered as such. */
async function usedToken(world: World, name: string, password: string): Promise<string | undefined> {
  const token = await tokenOf(world, name, everyScope, password);
  const answer = await world.handle(new Request("http://registry.test/v2/", { headers: bearer(token) }), {
    address: "10.255.0.1",
  });
  if (answer.status !== 200) throw new Error(`a token of ${name} is not good at first`);
  return token;
}

/** Of a registry with keys of its own, for the same person. */
async function tokenOfAnother(world: World): Promise<string> {
  const { source } = world;
  const clock = { now: () => world.now() };
  const files = { read: async () => undefined, write: async () => {} };
  const keys = await source.signingKeys.SigningKeys.open({ files, clock, log: silentLog });
  const holder = { kind: "password", name: "root", id: world.idOf("root"), source: "dozo", version: "" } as const;
  return (await new source.accessTokens.AccessTokens(keys, clock).mint({ holder, access: [] })).token;
}
