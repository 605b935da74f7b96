import type { RuleSubject } from "./access-rule.ts";
import type { Group } from "./group.ts";

/** Whom a word means that the operator wrote; whether there is anybody of the name is seen later. */
export type SubjectWord =
  | { readonly kind: "everyone" | "anonymous" }
  | ({ readonly kind: "group" } & Group)
  | { readonly kind: "name"; readonly name: string };

/** They stand for more than one person: nobody new can be called so, and who is called so since long cannot be meant alone. */
const wordsForMany: readonly string[] = ["everyone", "anonymous"] satisfies readonly RuleSubject["kind"][];

const sources: ReadonlyMap<string, Group["source"]> = new Map([
  ["group", "dozo"],
  ["ldap", "ldap"],
  ["oidc", "oidc"],
]);

/** What can stand for somebody in a rule, for help texts. */
export const subjectWords = "a user's or robot's name, group:NAME, ldap:NAME, oidc:NAME, everyone or anonymous";

/** Reads `everyone` (all who are logged in), `anonymous` (who is not), `group:NAME`, `ldap:NAME`, `oidc:NAME`, or a name. */
export function readSubjectWord(word: string): SubjectWord {
  if (word === "everyone" || word === "anonymous") return { kind: word };
  const colon = word.indexOf(":");
  const source = sources.get(word.slice(0, Math.max(0, colon)));
  return source === undefined ? { kind: "name", name: word } : { kind: "group", source, name: word.slice(colon + 1) };
}

/** The word that `readSubjectWord` reads so. */
export function subjectWordOf(subject: RuleSubject): string {
  if (subject.kind === "principal") return subject.name;
  return subject.kind === "group" ? groupWordOf(subject) : subject.kind;
}

/** `group:NAME` for a group of dozo's own. */
function groupWordOf({ source, name }: Group): string {
  return `${source === "dozo" ? "group" : source}:${name}`;
}

/** Whether the word stands for many, so that it can be nobody's name. */
export function isWordForMany(name: string): boolean {
  return wordsForMany.includes(name);
}
