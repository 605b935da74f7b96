import type { Administration, RuleText } from "../core/administration.ts";

/** A rule as a sentence. */
export function ruleSentence({ effect, who, actions, repositories }: RuleText): string {
  const where = repositories === "**" ? "everywhere" : `in ${repositories}`;
  return `${who} may ${effect === "deny" ? "not " : ""}${actions.join(", ")} ${where}`;
}

/** What holds for somebody who is no admin, in a line for people; `who` as in a rule. */
export async function rightsLine(administration: Administration, who: string): Promise<string> {
  const rules = await administration.listRulesFor(who);
  if (rules.some(({ effect }) => effect === "allow")) return rules.map((rule) => ruleSentence(rule)).join("; ");
  return `${who} may do nothing yet: dozo access allow ${who} pull REPOSITORIES`;
}
