import { describe, expect, test } from "bun:test";
import { createClientAddressReader } from "./client-address.ts";

describe("HDR-02: the client's address", () => {
  test("is the socket's when no proxy is trusted, whatever X-Forwarded-For says", () => {
    const read = createClientAddressReader([]);

    expect(read("192.0.2.1", "1.2.3.4")).toBe("192.0.2.1");
    expect(read("::ffff:192.0.2.1", null)).toBe("192.0.2.1");
    expect(read(undefined, "1.2.3.4")).toBeUndefined();
  });

  const chains: readonly [string | undefined, string | null, string | undefined][] = [
    ["192.0.2.1", "1.2.3.4", "192.0.2.1"],
    ["10.0.0.1", "1.2.3.4", "1.2.3.4"],
    ["::ffff:10.0.0.1", "1.2.3.4", "1.2.3.4"],
    ["10.0.0.1", null, "10.0.0.1"],
    ["10.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.2", "1.2.3.4"],
    ["10.0.0.1", "10.0.0.3,10.0.0.2", "10.0.0.3"],
    ["10.0.0.1", "1.2.3.4, rubbish", "10.0.0.1"],
    ["10.0.0.1", "", "10.0.0.1"],
    ["10.0.0.1", "1.2.3.4, unknown, 10.0.0.2", "10.0.0.2"],
    ["10.0.0.1", "2001:db8::1", "2001:db8::1"],
    ["fd00::1", "2001:db8::1, fd00::2", "2001:db8::1"],
    [undefined, "1.2.3.4", "1.2.3.4"],
  ];
  test.each(chains)("from the socket %p with the chain %p is %p behind trusted proxies", (socket, chain, expected) => {
    const read = createClientAddressReader(["10.0.0.0/8", "fd00::/8", "127.0.0.1"]);

    expect(read(socket, chain)).toBe(expected);
  });
});
