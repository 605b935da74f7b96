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

  test("names no registry after the page of a manual that the program points to", () => {
    const text = [
      "curl: (60) SSL certificate problem: unable to get local issuer certificate",
      "More details here: https://curl.se/docs/sslcerts.html",
    ].join("\n");
    expect(explainError(text)[0]?.what).toStartWith("The certificate of the registry is signed by");
    expect(explainError(`${text}\n> GET https://reg.lan:5000/v2/`)[0]?.what).toContain("of reg.lan:5000 is");
  });

  test.each([
    'time="2026-11-23T23:40:24Z" level=fatal msg="initializing source docker://reg.lan:5000/x:1: ',
    "FATA[0000] initializing source docker://reg.lan:5000/x:1: ",
    'FATA[0000] Error parsing image name "docker://reg.lan:5000/x:1": pinging container registry reg.lan:5000: Get "https://reg.lan:5000/v2/": ',
  ])("of skopeo is answered with skopeo's own login: %s", (start) => {
    const [finding] = explainError(
      `${start}reading manifest 1 in reg.lan:5000/x: unauthorized: authentication required`,
    );
    expect(finding?.fix).toBe("skopeo login reg.lan:5000 -u USER");
  });

  test("that is unknown gives nothing", () => {
    expect(explainError("Segmentation fault")).toEqual([]);
    expect(explainError("")).toEqual([]);
  });
});
