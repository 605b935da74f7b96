import type { Draft, Things } from "./cases.ts";
import type { LimitWords, Standing } from "./oracle.ts";

/** What is asked for in a token. */
export const askedScopes = ["a/app", "a/two", "b/app", "all/x", "z/app", "a.b/x"];
export const scopeQuery = [
  ...askedScopes.map((name) => `scope=repository:${name}:pull,push,delete`),
  "scope=registry:catalog:*",
].join("&");

/** A key of root's is good for this, and for no more. */
export const limitsOfKey: LimitWords = {
  grants: [{ repositories: "a/*", actions: ["pull", "push"] }],
  catalog: "granted",
  isToken: false,
};

/** Refresh tokens that were good, or never were. */
const worthlessRefreshTokens = [
  "a password that was changed",
  "somebody who is gone",
  "a key that was revoked",
  "nobody: mistyped",
  "nobody: an access token",
];

function by(what: string, name: string, grant: (things: Things) => string, token: Standing | undefined): Draft {
  return {
    what: `a token by ${what}`,
    path: "/token",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: (things) => `${grant(things)}&service=dozo&${scopeQuery}`,
    whenAllowed: (_may, { headers, query, certificate, standing }) => {
      if (headers["authorization"] !== undefined || query !== undefined) return { status: 400, code: "UNSUPPORTED" };
      if (standing.kind === "certificate-refused") return { status: 403, code: "DENIED" };
      if (token === undefined) return { status: 401, code: "UNAUTHORIZED" };
      const isAnothers = certificate !== undefined && !("name" in standing && standing.name === name);
      return isAnothers ? { status: 403, code: "DENIED" } : { status: 200 };
    },
    ...(token === undefined ? {} : { token }),
  };
}

function refreshing(whose: string, token: Standing | undefined, name = whose): Draft {
  return by(
    `the refresh token of ${whose}`,
    name,
    ({ secrets }) => `grant_type=refresh_token&refresh_token=${secrets.refreshTokens.get(whose)}`,
    token,
  );
}

function password(name: string, guess?: string): Draft {
  return by(
    guess === undefined ? `the password of ${name}` : "a wrong password",
    name,
    ({ secrets }) => `grant_type=password&username=${name}&password=${guess ?? secrets.passwordOf(name)}`,
    guess === undefined ? { kind: "person", name } : undefined,
  );
}

/** JWT-13 and REV-01 are among these: who asks says so in the form, and nowhere else. */
export function tokensByForm(): readonly Draft[] {
  return [
    password("alice"),
    password("rita"),
    password("root", "guess"),
    refreshing("alice", { kind: "person", name: "alice" }),
    refreshing("alices-bot", { kind: "person", name: "alices-bot" }),
    refreshing("a limited key", { kind: "person", name: "root", limits: limitsOfKey }, "root"),
    ...worthlessRefreshTokens.map((whose) => refreshing(whose, undefined)),
  ];
}
