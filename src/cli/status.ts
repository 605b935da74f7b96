import { Command } from "commander";
import type { RegistryStatus } from "../core/administration.ts";
import { summaryJson, troubleText } from "./audit-text.ts";
import { onRegistry } from "./administration.ts";
import { type CommandContext, folderSettings } from "./command-context.ts";
import { examples } from "./examples.ts";
import { formatBytes, formatDay, isoDate, printJson } from "./output.ts";
import { addFolderOptions } from "./setting-options.ts";

/** `dozo status`: how the registry is, while the server runs and while it does not. */
export function statusCommand(context: CommandContext): Command {
  return addFolderOptions(new Command("status"))
    .description("Show how the registry is: address, certificate, users, content, disk.")
    .option("--json", "Print JSON.")
    .addHelpText("before", examples("dozo status", "dozo status --json"))
    .action(async (options: Readonly<Record<string, unknown>>) => {
      const { data } = folderSettings(context, options);
      const status = await onRegistry(context, options, (administration) => administration.status());
      if (options["json"] === true) printJson(context.output, jsonStatus(status, data));
      else for (const line of statusLines(status, data)) context.output.print(line);
    });
}

function jsonStatus(status: RegistryStatus, data: string): object {
  const end = status.certificateEndsAt;
  const record = summaryJson(status.record);
  const oldest = status.oldestVerifiedAt;
  return {
    ...status,
    certificateEndsAt: end === undefined ? undefined : isoDate(end),
    oldestVerifiedAt: oldest === undefined ? undefined : isoDate(oldest),
    record,
    data,
  };
}

function recordText({ record }: RegistryStatus): string {
  const { trouble, sizeBytes, keepDays } = record;
  return trouble === undefined ? `${formatBytes(sizeBytes)}, kept for ${keepDays} days` : troubleText(trouble);
}

function soundnessText({ damaged, oldestVerifiedAt }: RegistryStatus): string {
  if (damaged > 0)
    return `ALARM: ${damaged} blobs or manifests are damaged; which, and what heals them: dozo verify --all`;
  return oldestVerifiedAt === undefined
    ? "nothing is stored"
    : `everything was read since ${formatDay(oldestVerifiedAt)}`;
}

function statusLines(status: RegistryStatus, folder: string): readonly string[] {
  const share = Math.round((100 * status.freeBytes) / status.totalBytes);
  const end = status.certificateEndsAt;
  const rows: readonly (readonly [string, string])[] = [
    ["server", status.pid === undefined ? "does not run; start it with: dozo up" : `runs (process ${status.pid})`],
    ["version", status.version],
    ["address", status.address ?? "none while the server does not run"],
    ...(status.clientCertificateAddress === undefined
      ? []
      : [["by certificate", status.clientCertificateAddress] as const]),
    ["certificate", end === undefined ? "none of dozo's own" : `until ${formatDay(end)}, renewed by itself before`],
    ["users", `${status.users}`],
    ["repositories", `${status.repositories}`],
    ["tags", `${status.tags}`],
    ["stored", formatBytes(status.storedBytes)],
    ["unused", `${formatBytes(status.unreferencedBytes)} (named by no manifest)`],
    ["open uploads", `${status.openUploads}`],
    ["disk", `${formatBytes(status.freeBytes)} free of ${formatBytes(status.totalBytes)} (${share} %)`],
    ["soundness", soundnessText(status)],
    ["record", recordText(status)],
    ["data folder", folder],
  ];
  return rows.map(([name, value]) => `${name.padEnd(16)}${value}`);
}
