import { expect, test } from "bun:test";
import type { Actor, Administration } from "../core/administration.ts";
import type { GroupAdministration, RobotAdministration } from "../core/principal-administration.ts";
import type { PrincipalId } from "../core/principal.ts";
import type { AdministrativeChange } from "./audit-trail.ts";
import { auditedAdministration } from "./audited.ts";

const groups: GroupAdministration = {
  list: async () => [],
  add: async () => undefined,
  remove: async () => ({ members: 2, rules: 1 }),
  join: async () => undefined,
  leave: async () => {
    throw new Error("not in it");
  },
};
const robots: RobotAdministration = { list: async () => [], add: async () => undefined, remove: async () => undefined };

test("changes of groups and robots are recorded with who made them, and what failed is none", async () => {
  const maria: Actor = { id: "01ARZ3NDEKTSV4RRFFQ69G5FAV" as PrincipalId, name: "maria" };
  const recorded: string[] = [];
  const trail = {
    change: async (actor: Actor, { action, object, reason }: AdministrativeChange) => {
      recorded.push([actor.name, action, object, reason].join("; "));
    },
  };
  const administration = auditedAdministration({ groups, robots } as Administration, trail, maria);

  await administration.groups.list();
  await administration.groups.add("dev");
  await administration.groups.join("dev", ["alice", "ci"]);
  const left = await administration.groups.leave("dev", ["hugo"]).catch(String);
  const removed = await administration.groups.remove("dev");
  await administration.robots.add({ name: "ci", owner: "alice", expiresAt: undefined });
  await administration.robots.remove("ci");

  expect([left, removed]).toEqual(["Error: not in it", { members: 2, rules: 1 }]);
  expect(recorded).toEqual([
    "maria; add group; group dev; ",
    "maria; join group; group dev; alice, ci",
    "maria; remove group; group dev; members: 2, rules: 1",
    "maria; add robot; robot ci; of alice",
    "maria; remove robot; robot ci; ",
  ]);
});
