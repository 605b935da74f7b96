import { type Answer, jsonAnswer } from "../../http/answer.ts";

/** end-1: says that this is a registry, to those who are logged in. */
export function check(): Answer {
  return jsonAnswer(200, {});
}
