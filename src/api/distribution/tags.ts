import { type Answer, jsonAnswer } from "../../http/answer.ts";
import type { ApiParts, RepositoryCall } from "../call.ts";
import { linkToNext, pageOf } from "../query.ts";

/** end-8a and end-8b */
export async function list({ tags, limits }: ApiParts, { repository, query }: RepositoryCall): Promise<Answer> {
  const page = pageOf(query, limits.pageEntries);
  const answer = await tags.list(repository, page);
  const link = linkToNext(`/v2/${repository}/tags/list`, page, answer);
  return jsonAnswer(200, { name: repository, tags: answer.entries }, link);
}
