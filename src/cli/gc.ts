import { Command } from "commander";
import type { CollectionPlan, CollectionReport, CollectionState } from "../core/collection-administration.ts";
import type { StoredContent } from "../core/collection-store.ts";
import { onGarbage } from "./administration.ts";
import type { CommandContext } from "./command-context.ts";
import { examples } from "./examples.ts";
import { formatBytes, formatDay, isoDate, type Output, printJson, printTable } from "./output.ts";
import { addFolderOptions } from "./setting-options.ts";

type Options = Readonly<Record<string, unknown>>;

const mostShown = 12;

/** `dozo gc`: the garbage collection, which runs by itself while the server does. */
export function gcCommand(context: CommandContext): Command {
  const gc = new Command("gc").description("Take away what nobody needs any more; the server does so by itself.");
  gc.addHelpText("before", examples("dozo gc status", "dozo gc run --dry-run", "dozo gc run"));
  gc.addCommand(
    addFolderOptions(new Command("run"))
      .description("Take away what nobody needs any more, now. Nobody has to wait for it.")
      .option("--dry-run", "Change nothing: tell what would go, and why.")
      .option("--json", "Print JSON.")
      .addHelpText("before", examples("dozo gc run --dry-run", "dozo gc run"))
      .action((options: Options) => (options["dryRun"] === true ? plan(context, options) : run(context, options))),
  );
  gc.addCommand(
    addFolderOptions(new Command("status"))
      .description("Tell what keeps each byte that is stored.")
      .option("--json", "Print JSON.")
      .addHelpText("before", examples("dozo gc status", "dozo gc status --json"))
      .action((options: Options) => status(context, options)),
  );
  return gc;
}

async function run(context: CommandContext, options: Options): Promise<void> {
  const report = await onGarbage(context, options, (garbage) => garbage.run());
  if (options["json"] === true) return printJson(context.output, report);
  for (const line of reportLines(report)) context.output.print(line);
}

function reportLines(report: CollectionReport): readonly string[] {
  const { expired, orphans, blobs, bytes, files, repositories } = report;
  if (Object.values(report).every((count) => count === 0)) return ["nothing to take away"];
  return rowLines([
    ["freed", `${formatBytes(bytes)} (files unlinked: ${files})`],
    ["blobs", `${blobs} that no manifest named any more`],
    ["from the trash", `${expired} that were deleted long enough ago; their blobs go in a day`],
    ["untagged", `${orphans} manifests that had lost their last tag long enough ago`],
    ["repositories", `${repositories} that were empty`],
  ]);
}

async function plan(context: CommandContext, options: Options): Promise<void> {
  const found = await onGarbage(context, options, (garbage) => garbage.plan());
  if (options["json"] === true) return printJson(context.output, jsonPlan(found));
  const { output } = context;
  const rows = planRows(found);
  if (rows.length === 0) return output.print("nothing would go");
  printTable(output, ["WHAT", "BYTES", "WHY"], rows.slice(0, mostShown));
  const more = rows.length - mostShown;
  if (more > 0)
    output.note(`and ${more}${found.isComplete ? "" : " or"} more; all of them: dozo gc run --dry-run --json`);
}

/** Rows in the order in which a collection does its work. */
function planRows({ files, expired, orphans, blobs }: CollectionPlan): readonly (readonly string[])[] {
  return [
    ...files.map((key) => [`file ${key.slice(-26)}`, "", "its blob is gone"]),
    ...expired.map((each) => planRow(each.kind, each, `deleted on ${formatDay(each.deletedAt)}`)),
    ...orphans.map((each) => planRow("manifest", each, `untagged, last needed on ${formatDay(each.orphanedAt)}`)),
    ...blobs.map((each) => planRow("blob", each, "named by no manifest")),
  ];
}

function planRow(what: string, { repository, digest, sizeBytes }: StoredContent, why: string): readonly string[] {
  return [`${what} ${repository}@${digest.slice(0, 19)}`, formatBytes(sizeBytes), why];
}

function jsonPlan({ files, expired, orphans, blobs, isComplete }: CollectionPlan): object {
  return {
    files,
    expired: expired.map((each) => ({ ...each, deletedAt: isoDate(each.deletedAt) })),
    orphans: orphans.map((each) => ({ ...each, orphanedAt: isoDate(each.orphanedAt) })),
    blobs: blobs.map((each) => ({ ...each, leasedUntil: isoDate(each.leasedUntil) })),
    isComplete,
  };
}

async function status(context: CommandContext, options: Options): Promise<void> {
  const state = await onGarbage(context, options, (garbage) => garbage.state());
  if (options["json"] === true) printJson(context.output, jsonState(state));
  else printState(context.output, state);
}

function jsonState({ use, lastRun, isRunning, trashMs }: CollectionState): object {
  const last = lastRun === undefined ? null : { at: isoDate(lastRun.at), ...lastRun.report };
  return { ...use, lastRun: last, isRunning, trashDays: trashMs / 86_400_000 };
}

function printState(output: Output, { use, lastRun, isRunning, trashMs }: CollectionState): void {
  const days = trashMs / 86_400_000;
  const freed = lastRun === undefined ? "" : `: ${formatBytes(lastRun.report.bytes)} freed`;
  const last = lastRun === undefined ? "none since the start" : `${isoDate(lastRun.at)}${freed}`;
  const lines = rowLines([
    ["live", `${formatBytes(use.liveBytes)}, named by manifests that are there`],
    ["trash", `${formatBytes(use.trashBytes)} of ${use.trashedManifests} deleted manifests, kept for ${days} days`],
    ["leased", `${formatBytes(use.leasedBytes)} that no manifest names, told of to somebody within a day`],
    ["unneeded", `${formatBytes(use.unneededBytes)}, taken away by the next collection`],
    ["to be unlinked", `${formatBytes(use.unlinkBytes)} in ${use.unlinks} files whose blobs are gone`],
    ["untagged", `${use.orphanedManifests} manifests (part of live), going ${days} days after their last pull`],
    ["last collection", isRunning ? "under way" : last],
  ]);
  for (const line of lines) output.print(line);
}

function rowLines(rows: readonly (readonly [string, string])[]): readonly string[] {
  return rows.map(([name, value]) => `${name.padEnd(17)}${value}`);
}
