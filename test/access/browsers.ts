import type { Asker } from "./askers.ts";
import type { BrowserWords, Standing } from "./oracle.ts";
import { passwordOf, type World } from "./world.ts";

const ownPage = { "sec-fetch-site": "same-origin" };
const foreignPages: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "of another site": { "sec-fetch-site": "cross-site" },
  "of a neighbour": { "sec-fetch-site": "same-site" },
  "of another site, as old browsers say it": { origin: "https://evil.test" },
  "of nowhere": { origin: "null" },
};

/** SES and UI-03: people at browsers, whose cookies count on pages of the registry, and for nothing else. */
export function browsers(world: World): readonly Asker[] {
  const opened = (id: string, headers: Readonly<Record<string, string>>, cookie = `__Host-dozo-session=${id}`) => ({
    headers: { ...headers, cookie },
    formToken: world.sessions.formTokenOf(id),
  });
  const at = (name: string, session: string, page: BrowserWords["page"], headers: Asker["headers"]): Asker => ({
    name,
    standing: { kind: "nobody", browser: { session, page } },
    headers: {},
    about: "few" as const,
    openBrowser: () => opened(world.sessions.begin(world.principalOf(session)), headers),
  });
  return [
    at("alice logged in on a page", "alice", "own", ownPage),
    at("root logged in on a page", "root", "own", ownPage),
    at("root's browser, which says nothing of pages", "root", "unsaid", {}),
    ...Object.entries(foreignPages).map(([where, headers]) =>
      at(`root on a page ${where}`, "root", "foreign", headers),
    ),
    ...withPassword(world, at("", "rita", "own", ownPage)),
    ...ended(world).map(([name, id, cookie]) => ({
      name: `a session ${name}`,
      standing: { kind: "nobody", browser: { page: cookie === undefined ? "own" : "unsaid" } } satisfies Standing,
      headers: {},
      about: "few" as const,
      openBrowser: () => opened(id, ownPage, cookie),
    })),
  ];
}

function passwordHeader(name: string): Asker["headers"] {
  return { authorization: `Basic ${btoa(`${name}:${passwordOf(name)}`)}` };
}

/** Browsers bring passwords along that somebody gave them once, on pages of other sites too. */
function withPassword(world: World, ritasBrowser: Asker): readonly Asker[] {
  const standing = { kind: "person", name: "root", browser: { page: "foreign" } } as const;
  const foreign = { ...passwordHeader("root"), "sec-fetch-site": "cross-site" };
  return [
    { name: "root by password on a page of another site", standing, headers: foreign, about: "few" as const },
    {
      ...ritasBrowser,
      name: "bob by password at rita's browser",
      id: world.idOf("bob"),
      standing: { kind: "person", name: "bob", browser: { session: "rita", page: "own" } },
      headers: passwordHeader("bob"),
    },
  ];
}

/** Sessions that are over, and cookies that are none: by what, the id, and the header where it is another one. */
function ended(world: World): readonly (readonly [string, string, string?])[] {
  const { sessions } = world;
  const begin = (name: string): string => sessions.begin(world.principalOf(name));
  const out = begin("root");
  sessions.end(out);
  const twice = begin("root");
  const known = begin("root");
  return [
    ["that was ended", out],
    ["that lay idle", world.formerSessions.idle],
    ["of yesterday", world.formerSessions.old],
    ["of the password of before", world.formerSessions.changed],
    ["of somebody who is gone", world.formerSessions.gone],
    ["whose id somebody guessed", "A".repeat(43)],
    ["in two cookies", twice, `__Host-dozo-session=${twice}; __Host-dozo-session=${known}`],
    ["in a cookie of another name", known, `dozo-session=${known}; __Host-dozo=${known}`],
  ];
}
