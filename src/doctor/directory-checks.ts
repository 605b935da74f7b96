import { directoryAway } from "../diagnosis/server-findings.ts";
import { type Examination, examined } from "./examination.ts";
import type { DirectoryFacts } from "./directory-facts.ts";

/** Whether the directory of users can be asked with what the settings say. */
export function checkDirectory({ urls, fault }: DirectoryFacts): Examination {
  const finding = fault === undefined ? undefined : directoryAway({ reason: fault });
  return examined("directory of users", `${urls.join(", ")}: ${fault === undefined ? "it answers" : "away"}`, [
    finding,
  ]);
}
