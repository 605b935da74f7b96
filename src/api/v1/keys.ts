import { z } from "zod";
import { accessActions } from "../../core/access-rule.ts";
import type { AccessKeySummary, MadeAccessKey, NewAccessKey } from "../../core/access-key-administration.ts";
import type { AdminCall, OwnCall } from "../call.ts";
import { asking, doing, searching, telling } from "./json-endpoint.ts";
import { lifetimeSeconds, moment, momentOf, momentOrNull } from "./time.ts";

const usualLifetimeSeconds = 90 * 86_400;

const key = z.strictObject({
  id: z.string(),
  for: z.string().describe("The user or robot that who has the key is"),
  grants: z
    .array(z.strictObject({ repositories: z.string(), actions: z.array(z.enum(accessActions)) }))
    .nullable()
    .describe("What it is good for; null: all that its user or robot may"),
  createdAt: moment,
  expiresAt: moment.nullable(),
  lastUsedAt: moment.nullable().describe("To the minute"),
  hasEnded: z.boolean(),
});
const made = key.extend({ key: z.string().describe("The key itself: it is told this once") });
const keys = z.strictObject({ keys: z.array(key) });
const wanted = z.strictObject({
  repositories: z
    .array(z.string().max(255))
    .max(50)
    .default([])
    .describe("Good for these only: repositories or patterns, as team/*, team/**; none: all"),
  actions: z
    .array(z.enum(accessActions))
    .max(accessActions.length)
    .default([])
    .describe("Good for this only; none: all"),
  lifetimeSeconds: lifetimeSeconds.default(usualLifetimeSeconds).describe("null: it has no end"),
});

export const list = searching({
  summary: "Everybody's access keys, in the order in which they were made; for a while also those that have ended.",
  query: z.strictObject({ for: z.string().max(300).optional().describe("Those of this user or robot") }),
  answers: keys,
  work: async ({ administration }, { principal }: AdminCall, { for: whose }) => {
    const all = await administration(principal).listKeys();
    return listed(whose === undefined ? all : all.filter((each) => each.principal === whose));
  },
});

export const add = asking({
  summary: "Makes an access key for a user or robot, and tells it this once.",
  asks: wanted.extend({ for: z.string().max(300) }),
  status: 201,
  answers: made,
  work: async ({ administration }, { principal }: AdminCall, asked) =>
    toldOnce(await administration(principal).createKey(asked.for, newKey(asked))),
});

export const remove = doing({
  summary: "Revokes an access key: it is refused from now on, on open connections too.",
  work: async ({ administration }, { principal, parameter }: AdminCall) => {
    await administration(principal).revokeKeys({ id: parameter });
  },
});

export const listOwn = telling({
  summary: "One's own access keys, and those of one's robots.",
  answers: keys,
  work: async ({ ownKeys }, { principal }: OwnCall) => listed(await ownKeys(principal).list()),
});

export const addOwn = asking({
  summary: "Makes an access key for oneself, and tells it this once.",
  asks: wanted,
  status: 201,
  answers: made,
  work: async ({ ownKeys }, { principal }: OwnCall, asked) => toldOnce(await ownKeys(principal).create(newKey(asked))),
});

export const removeOwn = doing({
  summary: "Revokes an access key of one's own, or of one's robots.",
  work: async ({ ownKeys }, { principal, parameter }: OwnCall) => {
    await ownKeys(principal).revoke(parameter);
  },
});

function newKey({ repositories, actions, lifetimeSeconds: seconds }: z.output<typeof wanted>): NewAccessKey {
  return { repositories, actions, lifetimeMs: seconds === null ? "never" : seconds * 1000 };
}

function listed(all: readonly AccessKeySummary[]): z.output<typeof keys> {
  return { keys: all.map(told) };
}

function toldOnce(one: MadeAccessKey): z.output<typeof made> {
  return { ...told(one), key: one.key };
}

function told({ id, principal, grants, hasEnded, ...at }: AccessKeySummary): z.output<typeof key> {
  return {
    id,
    for: principal,
    grants: grants?.map(({ repositories, actions }) => ({ repositories, actions: [...actions] })) ?? null,
    createdAt: momentOf(at.createdAt),
    expiresAt: momentOrNull(at.expiresAt),
    lastUsedAt: momentOrNull(at.lastUsedAt),
    hasEnded,
  };
}
