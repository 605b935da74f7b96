import { expect, test } from "bun:test";

import { loadSettings, SettingsError } from "./load.ts";

function load(
  flags: Readonly<Record<string, string | readonly string[] | boolean>>,
): ReturnType<typeof loadSettings>["settings"]["ldap"] {
  const environment = { HOME: "/nowhere" };
  return loadSettings({ flags, environment, uid: 1000, configFile: undefined }).settings.ldap;
}

function faults(flags: Parameters<typeof load>[0]): readonly string[] {
  try {
    load(flags);
  } catch (error) {
    if (error instanceof SettingsError) return error.faults;
    throw error;
  }
  return [];
}

const base = { "ldap.base": "dc=example,dc=com" };

test("a preset says what nobody said, and only that", () => {
  const directory = { ...base, "ldap.urls": ["ldaps://dc1.example.com"], "ldap.preset": "active-directory" };

  const settings = load({ ...directory, "ldap.groupAttribute": "cn" });

  expect(settings.nameAttribute).toBe("sAMAccountName");
  expect(settings.groupFilter).toContain("(member:1.2.840.113556.1.4.1941:={dn})");
  expect(settings.groupAttribute).toBe("cn");
  expect(settings.groupBase).toBe("dc=example,dc=com");
});

test("passwords go without TLS to this machine only, unless somebody accepts the danger in so many words", () => {
  for (const url of ["ldap://127.0.0.1:389", "ldap://localhost", "ldap://[::1]", "ldaps://ldap.example.com"])
    expect(faults({ ...base, "ldap.urls": [url] })).toEqual([]);
  for (const url of [
    "ldap://ldap.example.com",
    "ldap://10.0.0.1",
    "ldap://localhost.example.com",
    "ldap://127.example.com",
  ])
    expect(faults({ ...base, "ldap.urls": [url] })).toEqual([expect.stringContaining("without TLS")]);
  const remote = { ...base, "ldap.urls": ["ldap://ldap.example.com"] };
  expect(faults({ ...remote, "ldap.startTls": true })).toEqual([]);
  expect(faults({ ...remote, "ldap.insecurePlain": true })).toEqual([]);
});

test.each([
  [{ "ldap.urls": ["ldaps://a"] }, "needs ldap.base too"],
  [{ ...base, "ldap.urls": ["ldaps://a"], "ldap.startTls": true }, "has TLS from the first byte"],
  [{ ...base, "ldap.urls": ["https://a"] }, "is no address of a directory"],
  [{ ...base, "ldap.urls": ["ldaps://user:password@a"] }, "is no address of a directory"],
  [{ ...base, "ldap.urls": ["ldaps://a/dc=example"] }, "is no address of a directory"],
  [{ "ldap.bindDn": "cn=dozo" }, "belong together"],
  [{ "ldap.bindPasswordFile": "/secret" }, "belong together"],
  [{ "ldap.userFilter": "(uid=alice)" }, "has to have {name} in it"],
  [{ "ldap.userFilter": "(uid={name}" }, "has to be in brackets"],
  [{ "ldap.groupFilter": "(cn=all)" }, "has to have {dn} or {name} in it"],
  [{ "ldap.nameAttribute": "uid)(x" }, "is no name of an attribute"],
  [{ "ldap.preset": "ad" }, "active-directory, group-of-names, posix"],
])("%o: %s", (flags, fault) => {
  expect(faults(flags)).toEqual([expect.stringContaining(fault)]);
});
