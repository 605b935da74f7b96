import { z } from "zod";
import type { AdminCall } from "../call.ts";
import { asking, doing, telling } from "./json-endpoint.ts";
import { lifetimeSeconds, moment, momentOf, momentOrNull } from "./time.ts";

const owner = z.string().max(300).nullable();
const made = z.strictObject({
  name: z.string(),
  owner: z.string().nullable().describe("Whose it is; null: the registry's own"),
  expiresAt: moment.nullable(),
});

export const list = telling({
  summary: "All robots, in byte order of their names.",
  answers: z.strictObject({ robots: z.array(made.extend({ hasExpired: z.boolean(), createdAt: moment })) }),
  work: async ({ administration }, { principal }: AdminCall) => {
    const robots = await administration(principal).robots.list();
    return {
      robots: robots.map(({ name, owner: whose, expiresAt, hasExpired, createdAt }) => {
        const times = { expiresAt: momentOrNull(expiresAt), hasExpired, createdAt: momentOf(createdAt) };
        return { name, owner: whose ?? null, ...times };
      }),
    };
  },
});

export const add = asking({
  summary: "Makes a robot. It logs in with access keys alone, and is never an admin.",
  asks: z.strictObject({
    name: z.string().max(64),
    owner: owner.default(null).describe("It may at most what this user may, and goes with the user"),
    lifetimeSeconds: lifetimeSeconds.default(null),
  }),
  status: 201,
  answers: made,
  work: async ({ administration, clock }, { principal }: AdminCall, { name, ...asked }) => {
    const seconds = asked.lifetimeSeconds;
    const expiresAt = seconds === null ? undefined : clock.now() + seconds * 1000;
    await administration(principal).robots.add({ name, owner: asked.owner ?? undefined, expiresAt });
    return { name, owner: asked.owner, expiresAt: momentOrNull(expiresAt) };
  },
});

export const remove = doing({
  summary: "Removes a robot, and with it its keys. One of the same name that is added later inherits nothing.",
  work: ({ administration }, { principal, parameter }: AdminCall) => administration(principal).robots.remove(parameter),
});
