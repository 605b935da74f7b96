import { expect, test } from "bun:test";
import { type HostCookie, readCookie, setCookie } from "./cookie.ts";

const cookie: HostCookie = { name: "__Host-a", sameSite: "Strict" };

function read(header: string): string | undefined {
  return readCookie(new Headers({ cookie: header }), cookie);
}

test("a cookie is found by its whole name, and counts only if there is one of it", () => {
  expect(read("x=1; __Host-a=abc; y=2")).toBe("abc");
  expect(read("__Host-a=")).toBe("");
  expect(readCookie(new Headers(), cookie)).toBeUndefined();
  for (const header of ["", "__Host-ab=1", "a__Host-a=1", "x=__Host-a=1", "__host-a=1", "__Host-a=1; __Host-a=2"])
    expect(read(header)).toBeUndefined();
});

test("SES-05: a cookie is for this host alone, over TLS, for no script, and not for requests from elsewhere", () => {
  expect(setCookie(cookie, "abc")).toEqual({
    "Set-Cookie": "__Host-a=abc; Path=/; Secure; HttpOnly; SameSite=Strict",
  });
  expect(setCookie({ name: "__Host-b", sameSite: "Lax" }, "", 0)).toEqual({
    "Set-Cookie": "__Host-b=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax",
  });
});
