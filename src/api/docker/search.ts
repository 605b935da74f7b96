import { type Answer, jsonAnswer } from "../../http/answer.ts";
import type { ApiParts, KnownCall } from "../call.ts";
import { pageOf, single } from "../query.ts";

const defaultResults = 25;
const maxResults = 100;
const maxTermLength = 255;

/**
 * Docker asks this before it searches, over TLS only, to learn whether to send its password along: `Standalone` says so
 * (moby, daemon/pkg/registry).
 */
export function ping(): Answer {
  return jsonAnswer(200, true, { "X-Docker-Registry-Version": "0.9.1", "X-Docker-Registry-Standalone": "True" });
}

/** `docker search HOST/term` and `podman search`: those that the asker may pull and whose name contains the term. */
export async function search({ catalog, decide }: ApiParts, { query, caller }: KnownCall): Promise<Answer> {
  const term = (single(query, "q", "PAGINATION_NUMBER_INVALID") ?? "").slice(0, maxTermLength);
  const n = single(query, "n", "PAGINATION_NUMBER_INVALID") ?? String(defaultResults);
  const { limit } = pageOf(new URLSearchParams({ n }), maxResults);
  const names = await catalog.search(term, limit, (name) => decide(caller, "see", name).verdict === "allowed");
  return jsonAnswer(200, {
    num_pages: 1,
    num_results: names.length,
    page: 1,
    page_size: limit,
    query: term,
    results: names.map((name) => ({
      name,
      description: "",
      star_count: 0,
      is_official: false,
      is_automated: false,
      is_trusted: false,
    })),
  });
}
