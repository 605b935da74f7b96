import { z } from "zod";
import { auditJson, auditKinds, auditOutcomes } from "../../core/audit-event.ts";
import { isAboutDetails } from "../../core/audit-store.ts";
import { parseRepositoryPattern } from "../../core/repository-pattern.ts";
import type { AdminCall } from "../call.ts";
import { searching } from "./json-endpoint.ts";
import { moment } from "./time.ts";

const usualLimit = 100;
const mostEvents = 1000;

const time = z.union([z.iso.datetime({ offset: true }), z.iso.date()]);
const query = z.strictObject({
  who: z.string().max(300).optional().describe("The name or the id of a user or robot"),
  what: z
    .string()
    .max(100)
    .optional()
    .describe(`${auditKinds.join(", ")}, or an action such as delete or add user`),
  repository: z.string().max(255).optional().describe("A repository, or a pattern: team/*, team/**"),
  digest: z.string().max(200).optional(),
  from: z.string().max(64).optional().describe("An address"),
  outcome: z.enum(auditOutcomes).optional(),
  since: time.optional(),
  until: time.optional().describe("Before then"),
  all: z.enum(["true", "false"]).default("false").describe("Also blobs, and requests that were only asked to log in"),
  before: z.coerce.number().int().min(1).optional().describe("What `next` of the page before this one says"),
  limit: z.coerce.number().int().min(1).max(mostEvents).default(usualLimit),
});

const event = z.strictObject({
  id: z.int(),
  at: moment,
  lastAt: moment,
  count: z.int().describe("How many requests it stands for"),
  kind: z.enum(auditKinds),
  isDetail: z.boolean(),
  action: z.string(),
  outcome: z.enum(auditOutcomes),
  reason: z.string().optional(),
  principalId: z.string().optional(),
  name: z.string().optional(),
  credentialKind: z.string(),
  credentialId: z.string().optional(),
  addresses: z.array(z.string()),
  hasMoreAddresses: z.boolean(),
  repository: z.string().optional(),
  tag: z.string().optional(),
  digest: z.string().optional(),
  object: z.string().optional(),
});

export const list = searching({
  summary: "What happened: changes, refusals, logins, pulls and pushes, the newest first, in pages.",
  query,
  answers: z.strictObject({
    events: z.array(event),
    next: z.int().nullable().describe("What was earlier: the same question with before=NEXT; null: there is no more"),
  }),
  work: async ({ record }, _call: AdminCall, { all, repository, from, since, until, limit, ...asked }) => {
    const found = await record.list({
      ...asked,
      repositories: repository === undefined ? undefined : parseRepositoryPattern(repository),
      address: from,
      since: timeOf(since),
      until: timeOf(until),
      withDetails: all === "true" || isAboutDetails(asked),
      // One more than is shown, to know whether there is another page.
      limit: limit + 1,
    });
    const shown = found.slice(0, limit);
    const last = shown.at(-1);
    return {
      events: shown.map((each) => ({ ...auditJson(each), addresses: [...each.addresses] })),
      next: found.length > limit && last !== undefined ? last.id : null,
    };
  },
});

function timeOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text);
}
