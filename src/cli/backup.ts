import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { Command } from "commander";
import { type BackupReport, type BackupRequest, makeBackup } from "../backup/make-backup.ts";
import { type BackupDamage, verifyBackup } from "../backup/verify-backup.ts";
import { settingsFileText } from "../config/settings-file.ts";
import { lockHolder } from "../process/folder-lock.ts";
import { type CommandContext, FailedQuietly, folderSettings } from "./command-context.ts";
import { type ControlClient, throughServerOr } from "./control-client.ts";
import { examples } from "./examples.ts";
import { readPassphrase } from "./keys-passphrase.ts";
import { formatBytes, printJson } from "./output.ts";
import { progressLine } from "./progress-line.ts";
import { settingsOfServer } from "./running-settings.ts";
import { addFolderOptions } from "./setting-options.ts";

type Options = Readonly<Record<string, unknown>>;

const renewEveryMs = 15_000;

/** `dozo backup`: brings a copy of everything up to date, while the server runs and while it does not. */
export function backupCommand(context: CommandContext): Command {
  const backup = addFolderOptions(new Command("backup"))
    .description(
      "Bring the backup in a folder up to date: everything that was acknowledged before it began. Only new blobs are copied.",
    )
    .argument("<folder>", "Where the backup is, or is to be: on another disk.")
    .option("--keys-passphrase-file <FILE>", "Keep the private keys, too, sealed with the passphrase in this file.")
    .option("--without-keys", "Leave them out, although the backup in the folder has them.")
    .option("--json", "Print JSON.")
    .addHelpText(
      "before",
      examples(
        "dozo backup /mnt/backup/dozo --keys-passphrase-file /root/backup-passphrase",
        "dozo backup /mnt/backup/dozo --json",
        "dozo backup verify /mnt/backup/dozo",
      ),
    )
    .action((folder: string, options: Options) => runBackup(context, folder, options));
  backup.enablePositionalOptions().addCommand(
    new Command("verify")
      .description("Read all of a backup and compare every digest. It needs no registry.")
      .argument("<folder>", "Where the backup is.")
      .option("--keys-passphrase-file <FILE>", "Also try whether the passphrase in this file opens the keys.")
      .option("--json", "Print JSON.")
      .addHelpText(
        "before",
        examples("dozo backup verify /mnt/backup/dozo", "dozo backup verify /mnt/backup/dozo --json"),
      )
      .action((folder: string, options: Options) => runVerify(context, folder, options)),
  );
  return backup;
}

async function runBackup(context: CommandContext, folder: string, options: Options): Promise<void> {
  const passphrase = await readPassphrase(options);
  const { data } = folderSettings(context, options);
  const progress = progressLine(context.output);
  const request = (serverPid: number | undefined): BackupRequest => ({
    data: resolve(data),
    to: resolve(folder),
    programVersion: context.version,
    settings: settingsText(context, options, serverPid),
    passphrase,
    mayDropKeys: options["withoutKeys"] === true,
    now: () => Date.now(),
    onProgress: ({ copiedBlobs, copiedBytes, blobs, bytes }) =>
      progress(`copied ${copiedBlobs} of ${blobs} new blobs`, copiedBytes, bytes),
  });
  const report = await throughServerOr(data, {
    remote: (server) => holdingUnlinks(server, () => makeBackup(request(lockHolder(data)))),
    local: () => makeBackup(request(undefined)),
  });
  if (options["json"] === true) printJson(context.output, backupJson(report));
  else printReport(context, resolve(folder), report);
  if (report.catalogue.damaged.length > 0) throw new FailedQuietly();
}

/** The settings of the server where one runs, else those that this command found. */
function settingsText(context: CommandContext, options: Options, serverPid: number | undefined): string {
  const { data: _, ...written } = settingsOfServer(context, options, serverPid).written;
  return settingsFileText(written, "The settings that the registry was backed up with: dozo up --config FILE");
}

/** Asks the server to unlink no blob while `work` copies them, again and again until it is through. */
async function holdingUnlinks<Result>(server: ControlClient, work: () => Promise<Result>): Promise<Result> {
  const name = randomUUID();
  const hold = (): Promise<unknown> => server.call("POST", "/unlink-holds", { name });
  await hold();
  // A server that is stopped meanwhile unlinks nothing; one that was started again hears of it the next time.
  const timer = setInterval(() => void hold().catch(() => undefined), renewEveryMs);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    await server.call("POST", "/unlink-holds/release", { name }).catch(() => undefined);
  }
}

function printReport({ output }: CommandContext, folder: string, report: BackupReport): void {
  const { catalogue, copiedBlobs, copiedBytes, removedBlobs } = report;
  const { blobs, blobBytes, startedAt } = catalogue;
  output.print(`backup of ${startedAt} in ${folder}`);
  output.print(
    `blobs           ${blobs} (${formatBytes(blobBytes)}): ${copiedBlobs} new (${formatBytes(copiedBytes)}), ${removedBlobs} removed that nothing needs any more`,
  );
  output.print("also            users, rules, settings and the record of what happened");
  output.print(
    catalogue.keys === "sealed"
      ? "keys            sealed with the passphrase; without it nobody can open them"
      : "keys            left out: after a restore every client has to enrol again; keep them with --keys-passphrase-file FILE",
  );
  if (catalogue.damaged.length === 0) return;
  output.note(`dozo: the registry itself has lost ${catalogue.damaged.length} blobs or manifests:`);
  for (const digest of catalogue.damaged.slice(0, 10)) output.note(`      ${digest}`);
  for (const image of report.damagedImages) output.note(`      needed by ${image}: push it again`);
}

function backupJson({ catalogue, copiedBlobs, copiedBytes, removedBlobs, damagedImages }: BackupReport): object {
  const { id, startedAt, endedAt, blobs, blobBytes, keys, damaged } = catalogue;
  const copied = { copiedBlobs, copiedBytes, removedBlobs };
  return { id, startedAt, endedAt, blobs, blobBytes, ...copied, keys, damaged, damagedImages };
}

async function runVerify(context: CommandContext, folder: string, options: Options): Promise<void> {
  const { output } = context;
  const progress = progressLine(output);
  const { catalogue, damages } = await verifyBackup({
    from: resolve(folder),
    passphrase: await readPassphrase(options),
    onProgress: ({ readBytes, bytes }) => progress("read", readBytes, bytes),
  });
  const { startedAt, blobs, blobBytes, keys, damaged } = catalogue;
  const facts = { startedAt, blobs, blobBytes, keys, lostBefore: damaged };
  if (options["json"] === true) printJson(output, { isWhole: damages.length === 0, damages, ...facts });
  else {
    const whole = damages.length === 0 ? "whole" : "damaged";
    output.print(`backup of ${startedAt}: ${whole}; ${blobs} blobs (${formatBytes(blobBytes)}), keys ${keys}`);
    for (const line of damages.slice(0, 20).map(damageLine)) output.print(line);
    if (damages.length > 20) output.print(`and ${damages.length - 20} more: --json has all`);
    if (damaged.length > 0) output.note(`the registry had lost ${damaged.length} blobs or manifests when it was made`);
  }
  if (damages.length === 0) return;
  if (options["json"] !== true)
    output.note("      remove what is damaged, and dozo backup copies it again; or use another copy of the backup");
  throw new FailedQuietly();
}

function damageLine({ what, reason, images }: BackupDamage): string {
  return `damaged: ${what}: ${reason}${images.length === 0 ? "" : `; needed by ${images.join(", ")}`}`;
}
