import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { referencePages } from "../../scripts/reference.ts";

test("the reference pages are what the settings and the commands say", () => {
  for (const [name, text] of referencePages()) {
    expect(readFileSync(join(import.meta.dir, "../../docs/reference", name), "utf8")).toBe(text);
  }
});

test("every setting has a sentence and a default", () => {
  const page = referencePages().get("settings.md") ?? "";
  for (const section of page.split("\n## ").slice(1)) expect(section).toMatch(/\n\n[A-Z].*\.\n\n- default: \S/);
});
