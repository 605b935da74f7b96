import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { makeSandbox, program, type Sandbox } from "../cli/run-dozo.ts";

setDefaultTimeout(120_000);

const readme = readFileSync(join(import.meta.dir, "../../README.md"), "utf8");
let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = makeSandbox();
  const words = ["up", "--data", sandbox.data, "--listen", "127.0.0.1:0", "--log-level", "error"];
  await sandbox.start(words).untilSaid(/docker push /);
  await sandbox.run(["user", "add", "alice", "--password-stdin", "--data", sandbox.data], { input: "secret of alice" });
});
afterAll(() => sandbox.dispose());

test("what README says about who may do what can be typed as it stands there", () => {
  const block = /### Who may do what\n[^]*?```\n([^`]*)```/.exec(readme)?.[1] ?? "";
  const said = block
    .trim()
    .split("\n")
    .map((line) => {
      const { status, stdout } = spawnSync("sh", ["-c", line.replaceAll("./dozo", `'${program}'`)], {
        env: { PATH: process.env["PATH"] ?? "", HOME: sandbox.home, DOZO_DATA: sandbox.data },
        encoding: "utf8",
      });
      return { line, status, stdout };
    });

  const last = said.pop();
  expect(said.filter(({ status }) => status !== 0)).toEqual([]);
  expect(said.map(({ stdout }) => stdout).join("")).toMatch(
    /group:dev may pull, push in team\/\*\*[^]*\ndozo_\w+\n[^]*anonymous may pull/,
  );
  expect(last).toMatchObject({ status: 1, stdout: "no: no rule allows it\n" });
});
