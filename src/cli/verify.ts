import { Command } from "commander";
import type {
  FoundDamage,
  VerificationAdministration,
  VerificationReport,
} from "../core/verification-administration.ts";
import type { StoredPosition } from "../core/verification-store.ts";
import { onVerification } from "./administration.ts";
import { type CommandContext, FailedQuietly, UsageError } from "./command-context.ts";
import { examples } from "./examples.ts";
import { formatBytes, printJson } from "./output.ts";
import { progressLine } from "./progress-line.ts";
import { addFolderOptions } from "./setting-options.ts";

type Options = Readonly<Record<string, unknown>>;

const mostShown = 12;

/** `dozo verify`: reads what is stored and compares digests. */
export function verifyCommand(context: CommandContext): Command {
  return addFolderOptions(new Command("verify"))
    .description(
      "Read what an image needs, or everything, and compare every digest. The server does so by itself, too.",
    )
    .argument("[image]", "REPOSITORY:TAG or REPOSITORY@DIGEST.")
    .option("--all", "Everything that is stored.")
    .option("--json", "Print JSON.")
    .addHelpText("before", examples("dozo verify team/app:1", "dozo verify --all", "dozo verify --all --json"))
    .action((image: string | undefined, options: Options) => runVerify(context, image, options));
}

async function runVerify(context: CommandContext, image: string | undefined, options: Options): Promise<void> {
  const isAll = options["all"] === true;
  if (isAll === (image !== undefined)) throw new UsageError("name one image, or say --all", "dozo verify team/app:1");
  const report = await onVerification(context, options, (verification) =>
    image === undefined ? verifyEverything(context, verification) : verification.verifyImage(image),
  );
  if (options["json"] === true) printJson(context.output, report);
  else printReport(context, report);
  if (report.damaged.length + report.missing.length > 0) throw new FailedQuietly();
}

async function verifyEverything(
  { output }: CommandContext,
  verification: VerificationAdministration,
): Promise<VerificationReport> {
  const progress = progressLine(output);
  const damaged: FoundDamage[] = [];
  let [checked, checkedBytes] = [0, 0];
  let behind: StoredPosition | undefined;
  do {
    const part = await verification.verifySome(behind);
    damaged.push(...part.damaged);
    checked += part.checked;
    checkedBytes += part.checkedBytes;
    progress(`read ${checked} blobs and manifests`, checkedBytes);
    behind = part.next;
  } while (behind !== undefined);
  return { checked, checkedBytes, damaged, missing: [] };
}

function printReport(
  { output }: CommandContext,
  { checked, checkedBytes, damaged, missing }: VerificationReport,
): void {
  const isSound = damaged.length + missing.length === 0;
  output.print(`${isSound ? "sound" : "DAMAGED"}: ${checked} blobs and manifests read (${formatBytes(checkedBytes)})`);
  for (const { kind, digest, images } of damaged.slice(0, mostShown))
    output.print(`damaged ${kind} ${digest}${images.length === 0 ? "" : `, needed by ${images.join(", ")}`}`);
  if (damaged.length > mostShown) output.print(`and ${damaged.length - mostShown} more: --json has all`);
  for (const digest of missing.slice(0, mostShown)) output.print(`missing ${digest}`);
  if (isSound) return;
  const [image = "IMAGE"] = damaged.flatMap(({ images }) => images);
  output.print(`what heals it: push each of these images again from a machine that has it (docker push …/${image})`);
}
