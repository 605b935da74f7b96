import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { generatedPages, referencePages } from "../../scripts/reference.ts";

test.each([...(await generatedPages())])(
  "the pages of docs/%s are what their sources say, and no others lie there",
  (folder, pages) => {
    const path = join(import.meta.dir, "../../docs", folder);
    expect(readdirSync(path).toSorted()).toEqual([...pages.keys()].toSorted());
    for (const [name, text] of pages) expect(readFileSync(join(path, name), "utf8")).toBe(text);
  },
);

test("every setting has a sentence and a default", async () => {
  const page = (await referencePages()).get("settings.md") ?? "";
  for (const section of page.split("\n## ").slice(1)) expect(section).toMatch(/\n\n[A-Z].*\.\n\n- default: \S/);
});
