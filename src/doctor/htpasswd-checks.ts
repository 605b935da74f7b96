import { HtpasswdError, parseHtpasswd } from "../auth/htpasswd-entries.ts";
import type { Finding } from "../diagnosis/finding.ts";
import { htpasswdLine, htpasswdUnreadable, htpasswdWeak, modeTooWide } from "../diagnosis/server-findings.ts";
import { type Examination, examined } from "./examination.ts";
import type { SeenText } from "./server-facts.ts";

/** Every line that cannot be used (the server stops at the first), weak hashes, and whether others may read the file. */
export function checkHtpasswd({ path: file, text, fault, mode }: SeenText): Examination {
  if (text === undefined) {
    const reason = fault === "ENOENT" ? "it is not there" : (fault ?? "unknown error");
    return examined("htpasswd", file, [htpasswdUnreadable({ file, reason })]);
  }
  const wide = modeTooWide({ path: file, mode: mode.toString(8).padStart(4, "0"), wanted: "o=" });
  return examined("htpasswd", `${file}: ${text.split("\n").length - 1} lines`, [
    (mode & 0o007) === 0 ? undefined : wide,
    ...lineFindings(file, text),
  ]);
}

function lineFindings(file: string, text: string): readonly Finding[] {
  const firstLineOf = new Map<string, number>();
  return text.split("\n").flatMap((content, index): readonly Finding[] => {
    const line = index + 1;
    try {
      const { users, warnings } = parseHtpasswd(Buffer.from(content));
      const [name] = users.keys();
      if (name === undefined) return [];
      const first = firstLineOf.get(name);
      firstLineOf.set(name, first ?? line);
      if (first !== undefined)
        return [htpasswdLine({ file, line, reason: `${JSON.stringify(name)} stands in line ${first} already` })];
      return warnings.map((warning) => htpasswdWeak({ file, reason: `line ${line}: ${reasonIn(warning)}` }));
    } catch (error) {
      if (!(error instanceof HtpasswdError)) throw error;
      return [htpasswdLine({ file, line, reason: reasonIn(error.message) })];
    }
  });
}

/** Each line was read as a text of its own, so its number in the message is always 1. What helps comes with the finding. */
function reasonIn(message: string): string {
  return message.replace(/^line 1: /, "").replace(/; (?:better|make it anew with|mend it with): .*$/, "");
}
