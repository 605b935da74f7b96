import { expect, test } from "bun:test";
import { assert, constantFrom, property, string } from "fast-check";
import type { RuleSubject } from "./access-rule.ts";
import type { PrincipalId } from "./principal.ts";
import { isWordForMany, readSubjectWord, subjectWordOf } from "./subject-word.ts";

test.each([
  ["everyone", { kind: "everyone" }],
  ["anonymous", { kind: "anonymous" }],
  ["alice", { kind: "name", name: "alice" }],
  ["group:dev", { kind: "group", source: "dozo", name: "dev" }],
  ["ldap:CN=dev:ops", { kind: "group", source: "ldap", name: "CN=dev:ops" }],
  ["oidc:everyone", { kind: "group", source: "oidc", name: "everyone" }],
  ["htpasswd:dev", { kind: "name", name: "htpasswd:dev" }],
  ["constructor:dev", { kind: "name", name: "constructor:dev" }],
  ["Everyone", { kind: "name", name: "Everyone" }],
  [":dev", { kind: "name", name: ":dev" }],
  ["group", { kind: "name", name: "group" }],
])("%s is read as what it says", (word, subject) => {
  expect(readSubjectWord(word)).toEqual(subject as ReturnType<typeof readSubjectWord>);
});

test("a group is read again as it was written, whatever it is called", () => {
  assert(
    property(constantFrom("dozo", "ldap", "oidc"), string({ minLength: 1 }), (source, name) => {
      const subject: RuleSubject = { kind: "group", source, name };
      expect(readSubjectWord(subjectWordOf(subject))).toEqual(subject);
    }),
  );
});

test("who stands for many can be nobody's name, and a principal's word is the name", () => {
  const id = "01ARZ3NDEKTSV4RRFFQ69G5FAV" as PrincipalId;
  expect(subjectWordOf({ kind: "principal", id, name: "alice" })).toBe("alice");
  for (const word of ["everyone", "anonymous"]) expect(isWordForMany(word)).toBe(true);
  expect(isWordForMany("group")).toBe(false);
});
