import { z } from "zod";
import type { AdminCall } from "../call.ts";
import { asking, changing, telling } from "./json-endpoint.ts";
import { moment, momentOf } from "./time.ts";

const name = z.string().max(64);
const members = z
  .array(z.string().min(1).max(300))
  .min(1)
  .max(500)
  .describe("Names of users and robots, from wherever they come");
const group = z.strictObject({ name: z.string(), members: z.array(z.string()), createdAt: moment });

export const list = telling({
  summary: "dozo's own groups, in byte order of their names; not those of a directory or provider.",
  answers: z.strictObject({ groups: z.array(group) }),
  work: async ({ administration }, { principal }: AdminCall) => {
    const groups = await administration(principal).groups.list();
    return {
      groups: groups.map((each) => ({
        name: each.name,
        members: [...each.members],
        createdAt: momentOf(each.createdAt),
      })),
    };
  },
});

export const add = asking({
  summary: "Makes a group, with nobody in it yet.",
  asks: z.strictObject({ name }),
  status: 201,
  answers: z.strictObject({ name: z.string() }),
  work: async ({ administration }, { principal }: AdminCall, asked) => {
    await administration(principal).groups.add(asked.name);
    return asked;
  },
});

export const remove = telling({
  summary: "Removes a group with its memberships and the rules about it, and tells how many there were.",
  answers: z.strictObject({ members: z.int(), rules: z.int() }),
  work: ({ administration }, { principal, parameter }: AdminCall) => administration(principal).groups.remove(parameter),
});

export const join = changing({
  summary: "Puts users and robots into a group: all of them, or nobody.",
  asks: z.strictObject({ members }),
  work: ({ administration }, { principal, parameter }: AdminCall, asked) =>
    administration(principal).groups.join(parameter, asked.members),
});

export const leave = changing({
  summary: "Takes users and robots out of a group: all of them, or nobody.",
  asks: z.strictObject({ members }),
  work: ({ administration }, { principal, parameter }: AdminCall, asked) =>
    administration(principal).groups.leave(parameter, asked.members),
});
