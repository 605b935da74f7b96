import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqlite } from "./open.ts";

const folder = mkdtempSync(join(tmpdir(), "dozo-kill-"));

afterAll(() => rmSync(folder, { recursive: true }));

// Makes users from ten sides at once, and writes the number of each that was acknowledged to its output.
const program = `
  import { openSqlite } from ${JSON.stringify(join(import.meta.dir, "open.ts"))};
  const [file, start] = process.argv.slice(2);
  const { accounts } = await openSqlite({ file, programVersion: "1.2.3", onFault: () => {} });
  let next = Number(start);
  const work = async () => {
    for (;;) {
      const number = next++;
      const user = { id: String(number), name: String(number), isAdmin: false, passwordHash: "hash" };
      await accounts.createUser(user, { by: "test", at: 1 });
      process.stdout.write(number + "\\n");
    }
  };
  await Promise.all(Array.from({ length: 10 }, work));
`;

/** Lets the program write to `file` until it has acknowledged `count` users, kills it, and answers all it acknowledged. */
async function writeAndKill(file: string, start: number, count: number): Promise<readonly string[]> {
  const script = join(folder, "write.ts");
  writeFileSync(script, program);
  const child = Bun.spawn([process.execPath, script, file, String(start)], { stdout: "pipe", stderr: "inherit" });
  const decoder = new TextDecoder();
  let output = "";
  for await (const chunk of child.stdout) {
    output += decoder.decode(chunk, { stream: true });
    if (output.split("\n").length > count) child.kill("SIGKILL");
  }
  await child.exited;
  // The last line may have been cut off in its middle.
  return output.split("\n").slice(0, -1);
}

test("kill -9 loses nothing that was acknowledged, and the next start needs no repair", async () => {
  const file = join(folder, "dozo.db");
  const acknowledged: string[] = [];

  for (let round = 1; round <= 5; round += 1) {
    const numbers = await writeAndKill(file, round * 1_000_000, 20 * round);
    expect(numbers.length).toBeGreaterThanOrEqual(20 * round);
    acknowledged.push(...numbers);
  }

  const sqlite = await openSqlite({ file, programVersion: "1.2.3", onFault: () => {} });
  const found = new Set((await sqlite.accounts.listUsers()).map((user) => user.name));
  await sqlite.close();
  expect(acknowledged.filter((name) => !found.has(name))).toEqual([]);
}, 60_000);
