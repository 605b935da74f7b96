import { expect, test } from "bun:test";
import type { CertificateName } from "./client-certificate.ts";
import { type ClientUserRule, findClientUser, parseClientUserRule } from "./client-user-rule.ts";

function rules(...texts: readonly string[]): readonly ClientUserRule[] {
  return texts.map((text) => {
    const rule = parseClientUserRule(text);
    if (typeof rule === "string") throw new Error(rule);
    return rule;
  });
}

function userFor(rule: string, kind: CertificateName["kind"], value: string): string | undefined {
  return findClientUser(rules(rule), [{ kind, value }])?.user;
}

test.each([
  ["cn:ci=robot", "cn", "ci", "robot"],
  ["cn:ci=robot", "cn", "cin", undefined],
  ["cn:ci=robot", "dns", "ci", undefined],
  ["cn:build-*=ci", "cn", "build-7", "ci"],
  ["cn:build-*=ci", "cn", "build-", undefined],
  ["cn:build-*=ci", "cn", "xbuild-7", undefined],
  ["dns:*.ci.example.com=ci", "dns", "a.ci.example.com", "ci"],
  ["dns:*.CI.example.com=ci", "dns", "a.ci.example.com", "ci"],
  ["dns:*.ci.example.com=ci", "dns", "a.b.ci.example.com", undefined],
  ["dns:*.ci.example.com=ci", "dns", "a.cixexample.com", undefined],
  ["email:*@example.com=*", "email", "maria@example.com", "maria"],
  ["email:*@example.com=*", "email", "maria@evil.org@example.com", undefined],
  ["email:*@example.com=*", "email", "maria@example.com.evil.org", undefined],
  ["uri:spiffe://example.com/ci/*=ci", "uri", "spiffe://example.com/ci/a", "ci"],
  ["uri:spiffe://example.com/ci/*=ci", "uri", "spiffe://example.com/ci/a/b", undefined],
  ["subject:CN=ci,OU=*,O=Example=ci", "subject", "CN=ci,OU=build,O=Example", "ci"],
  ["subject:CN=ci,OU=*,O=Example=ci", "subject", "CN=ci,OU=a,OU=b,O=Example", undefined],
  ["cn:[a-z]+=ci", "cn", "abc", undefined],
] as const)("%s makes of the %s %s the user %s", (rule, kind, value, user) => {
  expect(userFor(rule, kind, value)).toBe(user);
});

test("the first rule that fits counts, and only its own leave to be an admin", () => {
  const admin = parseClientUserRule("cn:boss=root", true) as ClientUserRule;
  const names: readonly CertificateName[] = [
    { kind: "cn", value: "boss" },
    { kind: "dns", value: "boss.example.com" },
  ];

  expect(findClientUser([...rules("dns:boss.*.com=guest"), admin], names)).toEqual({
    user: "guest",
    mayBeAdmin: false,
  });
  expect(findClientUser([admin, ...rules("dns:boss.*.com=guest")], names)).toEqual({ user: "root", mayBeAdmin: true });
  expect(findClientUser([], names)).toBeUndefined();
});

test.each(["maria", "cn:=ci", "cn:ci", "cn:ci=", "cn:ci=a b", "name:ci=ci", "cn:ci=*", "cn:*-*=*"])(
  "%s is no rule, and what is wrong stands in the answer",
  (text) => {
    expect(parseClientUserRule(text)).toContain(`"${text}"`);
  },
);
