import { z } from "zod";
import { accessActions } from "../../core/access-rule.ts";
import { AdministrationError, type MadeRule, type RuleSummary } from "../../core/administration.ts";
import type { AdminCall, ChangeCall } from "../call.ts";
import { asking, doing, telling } from "./json-endpoint.ts";
import { moment, momentOf } from "./time.ts";

const effect = z.enum(["allow", "deny"]);
const who = z
  .string()
  .max(300)
  .describe("A user's or robot's name, everyone, anonymous, group:NAME, ldap:NAME or oidc:NAME");
const actions = z.array(z.enum(accessActions)).min(1).max(accessActions.length);
const repositories = z.string().max(255).describe("A repository, or a pattern: team/*, team/**, **");
const rule = z.strictObject({
  id: z.string(),
  effect,
  who: z.string(),
  actions,
  repositories: z.string(),
  createdAt: moment,
});
const rules = z.strictObject({ rules: z.array(rule) });
const madeRule = rule.extend({
  notes: z.array(z.string()).describe("What else should be known of the rule: sentences for people"),
});

export const list = telling({
  summary: "All rules, in the order in which they were made.",
  answers: rules,
  work: async ({ administration }, { principal }: AdminCall) => {
    return { rules: (await administration(principal).listRules()).map(told) };
  },
});

export const add = asking({
  summary: "Makes a rule. It holds for every request from now on.",
  asks: z.strictObject({ effect, who, actions, repositories }),
  status: 201,
  answers: madeRule,
  work: async ({ administration }, { principal }: AdminCall, asked) =>
    toldMade(await administration(principal).addRule(asked)),
});

export const remove = doing({
  summary: "Takes a rule away.",
  work: ({ administration }, { principal, parameter }: AdminCall) => administration(principal).removeRule(parameter),
});

export const listOfRepository = telling({
  summary: "The rules about this repository alone, not those of patterns that it matches.",
  answers: rules,
  work: async ({ administration }, { principal, repository }: ChangeCall) => {
    const all = await administration(principal).listRules();
    return { rules: all.filter((each) => each.repositories === repository).map(told) };
  },
});

export const addToRepository = asking({
  summary: "Makes a rule about this repository alone.",
  asks: z.strictObject({ effect, who, actions }),
  status: 201,
  answers: madeRule,
  work: async ({ administration }, { principal, repository }: ChangeCall, asked) =>
    toldMade(await administration(principal).addRule({ ...asked, repositories: repository })),
});

export const removeFromRepository = doing({
  summary: "Takes a rule about this repository alone away.",
  work: async ({ administration }, { principal, repository, parameter }: ChangeCall) => {
    const all = await administration(principal).listRules();
    // The rule of another repository is not this one's admin's to know of.
    if (!all.some(({ id, repositories: about }) => id === parameter && about === repository))
      throw new AdministrationError("rule-unknown", `there is no rule ${parameter}`);
    await administration(principal).removeRule(parameter);
  },
});

export const check = asking({
  summary: "Whether somebody may do something, and which rule decides that.",
  asks: z.strictObject({ who, action: z.enum(accessActions), repository: z.string().max(255) }),
  status: 200,
  answers: z.strictObject({
    isAllowed: z.boolean(),
    isAdmin: z.boolean(),
    rule: rule.nullable(),
    hindrance: z
      .enum(["expired", "owner"])
      .nullable()
      .describe("What stands in the way besides: the robot has expired, or its owner may not"),
  }),
  work: async ({ administration }, { principal }: AdminCall, asked) => {
    const answer = await administration(principal).checkAccess(asked);
    const ruling = answer.rule === undefined ? null : told(answer.rule);
    return { ...answer, rule: ruling, hindrance: answer.hindrance ?? null };
  },
});

function toldMade(made: MadeRule) {
  return { ...told(made.rule), notes: [...made.notes] };
}

function told({
  id,
  effect: allowsOrDenies,
  who: subject,
  actions: words,
  repositories: about,
  createdAt,
}: RuleSummary) {
  return {
    id,
    effect: allowsOrDenies,
    who: subject,
    actions: accessActions.filter((action) => words.includes(action)),
    repositories: about,
    createdAt: momentOf(createdAt),
  };
}
