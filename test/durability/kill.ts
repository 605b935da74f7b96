import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runKills } from "./kill-run.ts";

/*
 * Kills a registry under load and reads back what it had acknowledged: `bun test/durability/kill.ts --kills 1000`.
 * The folder is kept when something was lost.
 */

const { values: flags } = parseArgs({
  options: { kills: { type: "string", default: "100" }, pushers: { type: "string", default: "6" } },
});
const folder = mkdtempSync(join(tmpdir(), "dozo-kill-"));
const log = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const report = await runKills({ folder, kills: Number(flags.kills), pushers: Number(flags.pushers), log });
log(
  `${report.kills} kills, ${report.acknowledged} blobs, manifests and tags acknowledged and read back, ` +
    `${report.losses.length} lost; ${report.resumedUploads} uploads resumed, ${report.steppedBackUploads} of them ` +
    `from before their last chunk; slowest start ${report.slowestStartMs.toFixed(0)} ms`,
);
for (const loss of report.losses) log(loss);
if (report.losses.length === 0) rmSync(folder, { recursive: true, force: true });
else log(`the folder is kept: ${folder}`);
process.exitCode = report.losses.length === 0 ? 0 : 1;
