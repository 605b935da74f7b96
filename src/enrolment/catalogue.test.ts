import { describe, expect, test } from "bun:test";
import { catalogue } from "./catalogue.ts";
import type { Folders } from "./client-kind.ts";
import type { RegistryIdentity } from "./identity.ts";

const folders: Folders = { home: "/home/ann", config: "/home/ann/.config", programData: "C:\\ProgramData" };
const caPem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
const box: RegistryIdentity = { registry: "box:5000", spellings: ["box:5000"], caPem, keyPin: "pin" };
const usualPort: RegistryIdentity = { ...box, registry: "box", spellings: ["box", "box:443"] };
const kinds = catalogue.flatMap((family) => family.kinds);

test("every kind of client has an id of its own that can name a page", () => {
  const ids = kinds.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
});

describe.each(kinds.map((kind) => [kind.id, kind] as const))("%s", (_, kind) => {
  test("says where everything about it was read", () => {
    expect(kind.sources.length).toBeGreaterThan(0);
    for (const { claim, url } of kind.sources) {
      expect(claim).toMatch(/^\S.*[^.]$/);
      expect(new URL(url).protocol).toBe("https:");
    }
  });

  test("has nothing to put anywhere when the certificate is trusted already", () => {
    expect(kind.files({ ...box, caPem: undefined }, folders)).toEqual([]);
  });

  test("puts the certificate, or a text that has it or its path, at absolute paths or into the workspace", () => {
    const files = kind.files(box, folders);
    expect(files.length).toBeGreaterThan(0);
    for (const { place, path } of files) {
      if (place === "workspace") expect(path).not.toMatch(/^[/~]/);
      else expect(path).toMatch(/^(\/|C:\\)/);
    }
  });

  test("names every spelling of port 443 wherever it names the registry", () => {
    const texts = kind.files(usualPort, folders).map(({ path, text }) => `${path}\n${text}`);
    const names = texts.filter((text) => /\bbox(:443)?["/\\]/.test(text)).join("\n");
    if (names !== "" && kind.id !== "docker-windows") expect(names).toContain("box:443");
  });

  test("leaves no command half written", () => {
    const lines = [
      ...kind.apply(box, folders),
      ...kind.login("box:5000"),
      ...kind.use("box:5000"),
      ...kind.undo(box, folders),
    ];
    for (const line of lines) expect(line).not.toMatch(/undefined|\[object|^\s*$/);
  });
});
