import { describe, expect, test } from "bun:test";
import { ProtocolError } from "./protocol-error.ts";
import { readTarget } from "./request-target.ts";

describe("the request's target", () => {
  test.each([
    ["http://h/v2/a?n=1&last=%41", "/v2/a", "n=1&last=%41"],
    ["https://h:5000/", "/", ""],
    ["http://[::1]:5000/v2/?", "/v2/", ""],
    ["http://h/v2/a%2fb", "/v2/a%2fb", ""],
    ["http://h//v2//a?b?c", "//v2//a", "b?c"],
  ])("%s is split into path and query without unescaping", (url, path, query) => {
    expect(readTarget(url, "h")).toEqual({ path, query });
  });

  test("is the bare path of an HTTP/1.0 request without a Host", () => {
    expect(readTarget("/livez", null)).toEqual({ path: "/livez", query: "" });
  });

  test.each([
    ["/livez", "a b"],
    ["example.org:443", "h"],
    ["http://h", "h"],
    ["http://h/a#b", "h"],
  ])("%s with the Host %s is refused", (url, host) => {
    expect(() => readTarget(url, host)).toThrow(ProtocolError);
  });
});
