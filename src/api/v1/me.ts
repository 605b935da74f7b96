import { z } from "zod";
import { accessActions } from "../../core/access-rule.ts";
import type { CredentialLimits } from "../../core/caller.ts";
import { subjectWordOf } from "../../core/subject-word.ts";
import type { KnownCall } from "../call.ts";
import { telling } from "./json-endpoint.ts";

const limits = z.strictObject({
  grants: z.array(z.strictObject({ repositories: z.string(), actions: z.array(z.enum(accessActions)) })),
  catalog: z
    .enum(["none", "granted", "all"])
    .describe("Which repositories lists show: none, those that may be pulled with it, all that the principal may pull"),
});

export const show = telling({
  summary: "Who is asking, with what, and what that is good for.",
  answers: z.strictObject({
    principal: z
      .strictObject({
        id: z.string(),
        name: z.string(),
        kind: z.enum(["user", "robot"]),
        source: z.enum(["dozo", "htpasswd", "ldap", "oidc", "process"]),
        isAdmin: z.boolean(),
        groups: z.array(z.string()).describe("As rules have them: group:NAME, ldap:NAME, oidc:NAME"),
      })
      .nullable()
      .describe("null: a token for nobody in particular"),
    credential: z.strictObject({
      kind: z.enum(["none", "password", "key", "token", "certificate", "session", "process"]),
      id: z.string().nullable().describe("Of an access key, or the serial of a certificate"),
      limits: z
        .array(limits)
        .describe("Every one of them has to allow what is asked for; none: all that the principal may"),
    }),
  }),
  work: async ({ groupsOf }, { caller: { principal, credential } }: KnownCall) => ({
    principal:
      principal === undefined
        ? null
        : {
            id: principal.id,
            name: principal.name,
            kind: principal.kind,
            source: principal.source,
            isAdmin: principal.isAdmin,
            groups: groupsOf(principal.id).map((group) => subjectWordOf({ kind: "group", ...group })),
          },
    credential: { kind: credential.kind, id: credential.id ?? null, limits: limitsOf(credential.limits) },
  }),
});

function limitsOf(innermost: CredentialLimits | undefined): z.output<typeof limits>[] {
  if (innermost === undefined) return [];
  const { grants, catalog, within } = innermost;
  const told = grants.map(({ repositories, actions }) => ({ repositories, actions: [...actions] }));
  return [{ grants: told, catalog }, ...limitsOf(within)];
}
