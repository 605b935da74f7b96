import { describe, expect, test } from "bun:test";

import { assert, constantFrom, oneof, property, string } from "fast-check";
import { AndFilter, EqualityFilter, FilterParser } from "ldapts";

import { fillFilter, isFilter } from "./filter.ts";

const template = "(&(objectClass=person)(uid={name}))";

describe("fillFilter", () => {
  test("leaves every name what it is: a value, whole, and in its place", () => {
    const special = string({
      unit: constantFrom("(", ")", "*", "\\", "\0", "{", "}", "&", "|", "$", "a", "é", "名"),
    });
    const hostile = oneof(special, string({ unit: "binary" }), constantFrom("{dn}", "{name}", "$&", "\\2a"));
    assert(
      property(hostile, (name) => {
        const filter = FilterParser.parseString(fillFilter(template, { name, dn: "cn=other" }));

        expect(filter).toBeInstanceOf(AndFilter);
        const [, byName, ...more] = filter instanceof AndFilter ? filter.filters : [];
        expect(more).toEqual([]);
        expect(byName).toEqual(new EqualityFilter({ attribute: "uid", value: name }));
      }),
    );
  });

  test("puts the entry into a matching rule as one value", () => {
    const dn = "cn=A (b*),dc=example,dc=org";
    const filled = fillFilter("(member:1.2.840.113556.1.4.1941:={dn})", { name: "", dn });

    expect(filled).toBe("(member:1.2.840.113556.1.4.1941:=cn=A \\28b\\2a\\29,dc=example,dc=org)");
  });
});

test("isFilter tells a filter from what is none", () => {
  expect(isFilter(template)).toBe(true);
  for (const none of ["(uid={name}", "(uid {name})", "", "(&)"]) expect(isFilter(none)).toBe(false);
});
