import { describe, expect, test } from "bun:test";
import { createLog } from "../log.ts";
import { type Exchange, logExchange } from "./access-log.ts";

const push: Exchange = {
  requestId: "r-1",
  startedAt: 1000,
  method: "PUT",
  client: "192.0.2.9",
  route: "end-7a end-7b",
  routeName: "push",
  isChange: true,
  repository: "team/app",
  reference: "latest",
  principal: "admin",
};
const pull: Exchange = { ...push, method: "GET", routeName: "pull", isChange: false };

function logged(format: "json" | "text", exchange: Exchange, status: number): string {
  let text = "";
  const log = createLog({ level: "info", format, write: (line) => (text += line) });
  logExchange(log, { now: () => 1012 }, exchange, { status, headers: {}, body: undefined });
  return text;
}

describe("for a person", () => {
  test("a push is one short line", () => {
    expect(logged("text", push, 201)).toMatch(
      /^\d\d:\d\d:\d\d push team\/app:latest {2}201 {2}admin {2}192\.0\.2\.9 {2}12 ms\n$/,
    );
  });

  test("a line stays within 100 characters however long the name is", () => {
    const long = { ...push, repository: "a/".repeat(100), reference: `sha256:${"f".repeat(64)}` };
    expect(logged("text", long, 201).length).toBeLessThanOrEqual(101);
    expect(logged("text", long, 201)).toContain("@sha256:ffffffffffff  201");
  });

  test("a refusal stands there with its reason", () => {
    expect(logged("text", { ...pull, reason: "wrong password" }, 401)).toEndWith("  wrong password\n");
    expect(logged("text", { ...push, reason: "the disk is nearly full" }, 403)).toEndWith(
      "  the disk is nearly full\n",
    );
    expect(logged("text", push, 404)).toContain("404");
  });

  test.each([
    ["a pull", pull, 200],
    ["a look for something that is not there", { ...pull, method: "HEAD" }, 404],
    ["a part of an upload", { ...push, isChange: false }, 202],
    ["the question which credentials to send", { ...pull, isAnonymous: true, reason: "no credentials" }, 401],
  ] as const)("%s is no news", (_, exchange, status) => {
    expect(logged("text", exchange, status)).toBe("");
  });
});

test("for machines every request has its line, with the reason of a refusal", () => {
  const refused = { ...pull, isAnonymous: true, reason: "no credentials" };
  expect(JSON.parse(logged("json", refused, 401))).toMatchObject({
    level: "info",
    msg: "request",
    route: "end-7a end-7b",
    reason: "no credentials",
    status: 401,
    durationMs: 12,
  });
  expect(JSON.parse(logged("json", pull, 200))).not.toHaveProperty("isChange");
});
