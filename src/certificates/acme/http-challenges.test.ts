import { describe, expect, test } from "bun:test";

import { HttpChallenges } from "./http-challenges.ts";

const names = ["*.example.com", "r.example.com", "hub.example.com"];
const challenge = { type: "http-01", name: "r.example.com", token: "token", value: "token.thumbprint" } as const;

function answer(url: string, init?: RequestInit, port = 443): Response {
  return new HttpChallenges({ names, httpsPort: () => port }).handle(new Request(url, init));
}

function location(url: string, port?: number): string | null {
  return answer(url, undefined, port).headers.get("location");
}

describe("the port for http-01", () => {
  test("answers a proof while it is put up, and only then", async () => {
    const challenges = new HttpChallenges({ names, httpsPort: () => 443 });
    const ask = (): Response => challenges.handle(new Request("http://r.example.com/.well-known/acme-challenge/token"));
    expect(ask().status).toBe(404);

    await challenges.putUp(challenge);
    expect(await ask().text()).toBe("token.thumbprint");

    await challenges.takeDown(challenge);
    expect(ask().status).toBe(404);
  });

  test("leads everything else to https, to configured names only", () => {
    expect(location("http://hub.example.com/v2/a?b=c")).toBe("https://hub.example.com/v2/a?b=c");
    expect(location("http://evil.test/x")).toBe("https://r.example.com/x");
    expect(location("http://r.example.com//evil.test/x")).toBe("https://r.example.com//evil.test/x");
    expect(location("http://r.example.com:8080/", 5000)).toBe("https://r.example.com:5000/");
  });

  test("does nothing else: no push and no login comes over it", () => {
    for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
      const { status, headers } = answer("http://r.example.com/v2/", { method });
      expect([status, headers.get("location"), headers.get("allow")]).toEqual([405, null, "GET, HEAD"]);
    }
  });

  test("refuses what has no Host that can be read, without a word in the log", () => {
    for (const url of ["http://[/a", "/a"]) {
      const request = { method: "GET", url } as Request;
      expect(new HttpChallenges({ names, httpsPort: () => 443 }).handle(request).status).toBe(400);
    }
  });
});
