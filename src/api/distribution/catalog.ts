import { type Answer, jsonAnswer } from "../../http/answer.ts";
import type { ApiParts, KnownCall } from "../call.ts";
import { linkToNext, pageOf } from "../query.ts";

/** The repositories that the asker may pull; Docker's own, the specification leaves it out. */
export async function list({ catalog, limits, decide }: ApiParts, { query, caller }: KnownCall): Promise<Answer> {
  const page = pageOf(query, limits.pageEntries);
  const answer = await catalog.list(page, (name) => decide(caller, "see", name).verdict === "allowed");
  return jsonAnswer(200, { repositories: answer.entries }, linkToNext("/v2/_catalog", page, answer));
}
