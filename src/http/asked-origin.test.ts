import { describe, expect, test } from "bun:test";
import { createOriginReader, type OriginOptions } from "./asked-origin.ts";

const remote = "192.0.2.7";

function originOf(
  url: string,
  headers: Record<string, string>,
  changes: Partial<OriginOptions> = {},
  address: string | undefined = remote,
): string | undefined {
  const read = createOriginReader({
    ownNames: () => ["box", "Registry.example.com", "10.0.0.5", "fd00::5", "*.apps.example.com"],
    address: () => "box:5000",
    isBehindTls: () => false,
    trustedProxies: [],
    ...changes,
  });
  return read({ url, headers: new Headers(headers) }, { address });
}

describe("the origin that a client asks", () => {
  test.each([
    ["box", "https://box"],
    ["box:5000", "https://box:5000"],
    ["BOX:5443", "https://box:5443"],
    ["registry.example.com", "https://registry.example.com"],
    ["web.apps.example.com", "https://web.apps.example.com"],
    ["10.0.0.5:5000", "https://10.0.0.5:5000"],
    ["[fd00::5]:5000", "https://[fd00::5]:5000"],
    ["localhost:5000", "https://localhost:5000"],
    ["127.0.0.1:5000", "https://127.0.0.1:5000"],
  ])("is %s under its own name and port", (host, origin) => {
    expect(originOf("https://any/v2/", { host })).toBe(origin);
  });

  test.each([
    "evil",
    "box.evil",
    "evilbox",
    "a.b.apps.example.com",
    "box@evil",
    "box:5000@evil",
    "box:port",
    'box" evil="',
    "box/evil",
    "box evil",
    "10.0.0.6",
    "127.0.0.1.evil",
    "",
  ])("HDR-03: is the configured one for %p", (host) => {
    expect(originOf("https://any/v2/", { host })).toBe("https://box:5000");
  });

  test("is unknown for a stranger's name while the start is not over, and for HTTP/1.0 the configured one", () => {
    expect(originOf("https://any/v2/", { host: "evil" }, { address: () => undefined })).toBeUndefined();
    expect(originOf("https://any/v2/", {})).toBe("https://box:5000");
  });

  test("has the scheme of the connection, whatever anybody says who is no trusted proxy", () => {
    const headers = { host: "box", "x-forwarded-proto": "http", "x-forwarded-host": "registry.example.com" };

    expect(originOf("https://any/v2/", headers)).toBe("https://box");
    expect(originOf("http://any/v2/", { ...headers, "x-forwarded-proto": "https" })).toBe("http://box");
  });

  test("is what a trusted proxy says, if that is one of ours", () => {
    const behind = { trustedProxies: ["192.0.2.0/24"] };
    const headers = { host: "127.0.0.1:5000", "x-forwarded-proto": "https" };

    expect(originOf("http://any/v2/", { ...headers, "x-forwarded-host": "registry.example.com:8443" }, behind)).toBe(
      "https://registry.example.com:8443",
    );
    expect(originOf("http://any/v2/", { ...headers, "x-forwarded-host": "evil" }, behind)).toBe("https://box:5000");
    expect(originOf("http://any/v2/", { ...headers, host: "registry.example.com" }, behind)).toBe(
      "https://registry.example.com",
    );
    expect(originOf("http://any/v2/", { host: "box", "x-forwarded-proto": "evil://" }, behind)).toBe("http://box");
  });

  test("has TLS where somebody in front of a loopback listener ends it, but not for who asks that listener itself", () => {
    const proxied = { isBehindTls: () => true };

    expect(originOf("http://any/v2/", { host: "registry.example.com" }, proxied, "127.0.0.1")).toBe(
      "https://registry.example.com",
    );
    expect(originOf("http://any/v2/", { host: "127.0.0.1:5000" }, proxied, "127.0.0.1")).toBe("http://127.0.0.1:5000");
  });
});
