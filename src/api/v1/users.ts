import { z } from "zod";
import type { AdminCall } from "../call.ts";
import { asking, changing, doing, telling } from "./json-endpoint.ts";
import { moment, momentOf } from "./time.ts";

const user = z.strictObject({ name: z.string(), isAdmin: z.boolean(), createdAt: moment });
const password = z.string().max(1024);

export const list = telling({
  summary: "All of dozo's own users, in byte order of their names.",
  answers: z.strictObject({ users: z.array(user) }),
  work: async ({ administration }, { principal }: AdminCall) => {
    const users = await administration(principal).listUsers();
    return {
      users: users.map(({ name, isAdmin, createdAt }) => {
        return { name, isAdmin, createdAt: momentOf(createdAt) };
      }),
    };
  },
});

export const add = asking({
  summary: "Adds a user.",
  asks: z.strictObject({ name: z.string().max(64), password, isAdmin: z.boolean().default(false) }),
  status: 201,
  answers: z.strictObject({ name: z.string(), isAdmin: z.boolean() }),
  work: async ({ administration }, { principal }: AdminCall, asked) => {
    await administration(principal).addUser(asked);
    return { name: asked.name, isAdmin: asked.isAdmin };
  },
});

export const change = changing({
  summary: "Gives a user another password; the old one holds no more.",
  asks: z.strictObject({ password }),
  work: ({ administration }, { principal, parameter }: AdminCall, asked) =>
    administration(principal).changePassword(parameter, asked.password),
});

export const remove = doing({
  summary: "Removes a user. One of the same name that is added later inherits nothing.",
  work: ({ administration }, { principal, parameter }: AdminCall) => administration(principal).removeUser(parameter),
});
