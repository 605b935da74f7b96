import { resolve } from "node:path";
import { Command } from "commander";
import { BackupFolder } from "../backup/catalogue.ts";
import { type RestoreReport, restoreBackup } from "../backup/restore-backup.ts";
import { ExplainedError } from "../process/explained-error.ts";
import { type CommandContext, FailedQuietly, folderSettings } from "./command-context.ts";
import { examples } from "./examples.ts";
import { readPassphrase } from "./keys-passphrase.ts";
import { formatBytes, printJson } from "./output.ts";
import { progressLine } from "./progress-line.ts";
import { addFolderOptions } from "./setting-options.ts";

type Options = Readonly<Record<string, unknown>>;

/** `dozo restore`: makes a data folder of a backup. */
export function restoreCommand(context: CommandContext): Command {
  return addFolderOptions(new Command("restore"))
    .description("Make a data folder of a backup; every digest is compared. It starts nothing, and overwrites nothing.")
    .argument("<backup>", "Where the backup is.")
    .option("--keys-passphrase-file <FILE>", "The passphrase that the private keys were sealed with.")
    .option("--without-keys", "Leave the keys out: every client has to enrol again.")
    .option("--accept-damage", "Leave out what is damaged in the backup, instead of ending there.")
    .option("--json", "Print JSON.")
    .addHelpText(
      "before",
      examples(
        "dozo restore /mnt/backup/dozo --data /var/lib/dozo --keys-passphrase-file /root/backup-passphrase",
        "dozo restore /mnt/backup/dozo --data /tmp/look --without-keys",
      ),
    )
    .action((backup: string, options: Options) => runRestore(context, backup, options));
}

async function runRestore(context: CommandContext, backup: string, options: Options): Promise<void> {
  const { output } = context;
  const from = resolve(backup);
  const data = resolve(folderSettings(context, options).data);
  const passphrase = await readPassphrase(options);
  const isSealed = new BackupFolder(from).requireCatalogue().keys === "sealed";
  if (isSealed && passphrase === undefined && options["withoutKeys"] !== true)
    throw new ExplainedError(
      "the keys of this backup are sealed",
      "name the file with the passphrase: --keys-passphrase-file FILE; or say --without-keys, and every client has to enrol again",
    );
  const progress = progressLine(output);
  const report = await restoreBackup({
    from,
    data,
    passphrase,
    isDamageAccepted: options["acceptDamage"] === true,
    onProgress: ({ readBytes, bytes }) => progress("restored", readBytes, bytes),
  });
  if (options["json"] === true) printJson(output, restoreJson(report, data));
  else printReport(context, data, report);
  if (report.lost.length > 0) throw new FailedQuietly();
}

function printReport({ output }: CommandContext, data: string, { catalogue, ...report }: RestoreReport): void {
  const { blobs, blobBytes, startedAt } = catalogue;
  output.print(
    `restored ${data} as it was at ${startedAt}: ${blobs} blobs (${formatBytes(blobBytes)}), every digest compared`,
  );
  output.print(
    report.hasKeys
      ? "keys            restored: clients go on as before"
      : "keys            none: the next start makes new ones, and every client has to enrol again (dozo enroll)",
  );
  output.print(`settings        in ${data}/settings.yaml`);
  output.print(
    "since then      what was revoked or removed after the backup is valid again: dozo user list, dozo key list",
  );
  output.print(`start it with   dozo up --config ${data}/settings.yaml`);
  if (report.lost.length === 0) return;
  output.note(`dozo: ${report.lost.length} blobs or manifests are lost:`);
  for (const digest of report.lost.slice(0, 10)) output.note(`      ${digest}`);
  for (const image of report.lostImages) output.note(`      needed by ${image}: push it again`);
}

function restoreJson({ catalogue, hasKeys, lost, lostImages }: RestoreReport, data: string): object {
  const { startedAt, blobs, blobBytes } = catalogue;
  return { data, startedAt, blobs, blobBytes, hasKeys, settings: `${data}/settings.yaml`, lost, lostImages };
}
