import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { blocksOf } from "../how-to/page.ts";
import { Stage } from "./stage.ts";

setDefaultTimeout(120_000);

let stage: Stage;
beforeAll(async () => {
  stage = new Stage();
  await stage.start();
  await stage.pushImages(2);
});
afterAll(() => stage.end());

test("the page's commands do what it says", async () => {
  const said: string[] = [];
  for (const { commands } of blocksOf("backup.md")) {
    for (const command of commands) {
      const here = command
        .replaceAll("/mnt/backup", join(stage.folder, "mnt"))
        .replaceAll("/root", stage.folder)
        .replaceAll("/var/lib/dozo", join(stage.folder, "restored"))
        .replace(/^dozo/, join(import.meta.dir, "../../dozo"));
      const { code, out, err } = await stage.runAlone(["env", `DOZO_DATA=${stage.data}`, "sh", "-c", here]);
      expect([command, err, code]).toEqual([command, "", 0]);
      said.push(out);
    }
  }

  expect(said.join("")).toContain("keys            sealed");
  expect(said.join("")).toMatch(/backup of \S+: whole; [1-9][0-9]* blobs/);
  expect(said.join("")).toContain("keys            restored: clients go on as before");
  expect(existsSync(join(stage.folder, "restored/dozo.db"))).toBe(true);
});
