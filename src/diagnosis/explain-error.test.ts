import { describe, expect, test } from "bun:test";
import { explainError } from "./explain-error.ts";

describe("an error text", () => {
  test("is answered with the command for the registry and the client that it names", () => {
    const [finding] = explainError(
      'Error: initializing source docker://reg.lan:5000/a:1: no basic auth credentials for "reg.lan:5000"',
    );
    expect(finding).toMatchObject({ id: "not-logged-in", fix: "podman login reg.lan:5000 -u USER" });
  });

  test("that is a whole log gives each finding once, the more specific first", () => {
    const line = 'Error response from daemon: Get "https://reg:5000/v2/": x509: certificate';
    const log = [
      `${line} signed by unknown authority`,
      "something else",
      `${line} is valid for a.lan, b.lan, not reg`,
      `${line} signed by unknown authority`,
    ].join("\n");
    expect(explainError(log).map(({ id }) => id)).toEqual(["name-not-in-certificate", "unknown-authority"]);
  });

  test("that is unknown gives nothing", () => {
    expect(explainError("Segmentation fault")).toEqual([]);
    expect(explainError("")).toEqual([]);
  });
});
