import { type Answer, jsonAnswer } from "../../http/answer.ts";
import type { ApiParts, Call } from "../call.ts";
import { linkToNext, pageOf } from "../query.ts";

/** The repositories; Docker's own, the specification leaves it out. */
export async function list({ catalog, limits }: ApiParts, { query }: Call): Promise<Answer> {
  const page = pageOf(query, limits.pageEntries);
  const answer = await catalog.list(page);
  return jsonAnswer(200, { repositories: answer.entries }, linkToNext("/v2/_catalog", page, answer));
}
