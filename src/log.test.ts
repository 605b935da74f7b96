import { describe, expect, test } from "bun:test";
import { createLog } from "./log.ts";

const hostile = "a\r\nb\u001b[31m\u2028\u202e\u0085\u007f\u200b\ufeff";

describe("LOG-01: a log line", () => {
  test.each(["json", "text"] as const)(
    "in the form %s is one line of harmless characters, whatever a client sent",
    (format) => {
      const lines: string[] = [];
      const log = createLog({ level: "info", format, write: (line) => lines.push(line) });

      log.info(hostile, { repository: hostile, error: new Error(hostile) });

      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(/^[\u0020-\u007e…]+\n$/);
    },
  );

  test("is cut where a field or the message is long", () => {
    const lines: string[] = [];
    const log = createLog({ level: "info", format: "json", write: (line) => lines.push(line) });

    log.warn("m".repeat(65536), { path: "p".repeat(65536) });

    expect(lines[0]?.length).toBeLessThan(2300);
  });

  test("has the chain of an error's causes, and can be read back as JSON", () => {
    const lines: string[] = [];
    const log = createLog({ level: "info", format: "json", write: (line) => lines.push(line) });

    log.error("it failed", { error: new Error("outer", { cause: new Error("inner") }), requestId: "r-1" });

    const line = JSON.parse(lines[0] ?? "") as { level: string; msg: string; error: string[]; requestId: string };
    expect(line).toMatchObject({ level: "error", msg: "it failed", requestId: "r-1" });
    expect(line.error.map((text) => text.split("\n")[0])).toEqual(["Error: outer", "Error: inner"]);
  });

  test("below the level is not written", () => {
    const lines: string[] = [];
    const log = createLog({ level: "warn", format: "text", write: (line) => lines.push(line) });

    log.info("quiet");
    log.warn("loud", { count: 3 });

    expect(lines.join("")).toMatch(/^\d\d:\d\d:\d\d WARN {2}loud {2}count=3\n$/);
  });
});
