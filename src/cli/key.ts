import { Command } from "commander";
import { accessActions } from "../core/access-rule.ts";
import type { AccessKeySelection, AccessKeySummary, NewAccessKey } from "../core/access-key-administration.ts";
import { onRegistry } from "./administration.ts";
import { type CommandContext, UsageError } from "./command-context.ts";
import { examples } from "./examples.ts";
import { lifetimeOf } from "./lifetime.ts";
import { formatDay, isoDate, printJson, printTable } from "./output.ts";
import { addFolderOptions } from "./setting-options.ts";

type Options = Readonly<Record<string, unknown>>;

const usualLifetime = "90d";

/** `dozo key`: passwords for machines, while the server runs and while it does not. */
export function keyCommand(context: CommandContext): Command {
  const key = new Command("key").description("Make, list and revoke access keys: passwords for machines.");
  key.addHelpText(
    "before",
    examples("dozo key create --for ci --repositories 'team/*' --allow pull,push", "dozo key list"),
  );
  key.addCommand(createCommand(context));
  key.addCommand(
    addFolderOptions(new Command("list"))
      .description("List the access keys, and those that ended in the last 30 days.")
      .option("--for <NAME>", "Those of this user or robot.")
      .option("--json", "Print JSON.")
      .addHelpText("before", examples("dozo key list", "dozo key list --for ci", "dozo key list --json"))
      .action((options: Options) => listKeys(context, options)),
  );
  key.addCommand(
    addFolderOptions(new Command("revoke"))
      .description("Refuse an access key from now on, on open connections too.")
      .argument("[ID]", "what dozo key list shows; it also stands in the key: dozo_ID_…")
      .option("--for <NAME>", "All keys of this user or robot.")
      .option("--json", "Print JSON.")
      .addHelpText("before", examples("dozo key revoke 01KB2NHQZJ8F6R5MKWX0C3V9TD", "dozo key revoke --for ci"))
      .action((id: string | undefined, options: Options) => revokeKeys(context, id, options)),
  );
  return key;
}

function createCommand(context: CommandContext): Command {
  return addFolderOptions(new Command("create"))
    .description("Make an access key and show it once: a password for one machine, which can be taken back alone.")
    .requiredOption("--for <NAME>", "The user or robot that who has the key is.")
    .option("--repositories <PATTERNS>", "Good for these only: team/app, team/*, team/**; several with commas.")
    .option("--allow <WHAT>", `Good for this only: ${accessActions.join(", ")}; several with commas.`)
    .option("--expires <TIME>", "Ends after so many hours, days or weeks (12h, 90d, 8w), or never.", usualLifetime)
    .option("--json", "Print JSON.")
    .addHelpText(
      "before",
      examples(
        "dozo key create --for ci --repositories 'team/*' --allow pull,push --expires 90d",
        "dozo key create --for maria",
        "dozo key create --for ci | docker login -u ci --password-stdin HOST:PORT",
      ),
    )
    .action((options: Options) => createKey(context, options));
}

async function createKey(context: CommandContext, options: Options): Promise<void> {
  const { output } = context;
  const principal = String(options["for"]);
  const wanted: NewAccessKey = {
    repositories: words(options["repositories"]),
    actions: words(options["allow"]),
    lifetimeMs: lifetimeOf(String(options["expires"])),
  };
  const { made, address } = await onRegistry(context, options, async (administration) => ({
    made: await administration.createKey(principal, wanted),
    address: (await administration.status()).address,
  }));
  if (options["json"] === true) {
    printJson(output, { ...forPrograms(made), key: made.key });
    return;
  }
  output.note(`made access key ${made.id} for ${made.principal}, ${limitsOf(made)}, ${endOf(made)}`);
  output.note(`It is shown this once, and is a password: docker login -u ${made.principal} ${address ?? "HOST:PORT"}`);
  // Alone on standard output, so that it can be piped to where it belongs.
  output.print(made.key);
  output.note(`Take it back: dozo key revoke ${made.id}`);
}

async function listKeys(context: CommandContext, options: Options): Promise<void> {
  const all = await onRegistry(context, options, (administration) => administration.listKeys());
  const keys = all.filter(({ principal }) => options["for"] === undefined || principal === options["for"]);
  if (options["json"] === true) {
    printJson(context.output, keys.map(forPrograms));
    return;
  }
  const rows = keys.map((key) => [
    key.id,
    key.principal,
    limitsOf(key),
    formatDay(key.createdAt),
    key.expiresAt === undefined ? "never" : formatDay(key.expiresAt),
    key.hasEnded ? "ended" : lastUseOf(key),
  ]);
  printTable(context.output, ["ID", "FOR", "GOOD FOR", "MADE", "UNTIL", "LAST USE"], rows);
}

async function revokeKeys(context: CommandContext, id: string | undefined, options: Options): Promise<void> {
  const which = selection(id, options["for"]);
  const revoked = await onRegistry(context, options, (administration) => administration.revokeKeys(which));
  if (options["json"] === true) printJson(context.output, { revoked });
  else for (const each of revoked) context.output.print(`revoked ${each}`);
}

/** An id may come with what stands before and behind it in the key: somebody who finds one copies that. */
function selection(id: string | undefined, principal: unknown): AccessKeySelection {
  if (id !== undefined && principal === undefined) return { id: /^dozo_([^_]+)_/.exec(id)?.[1] ?? id };
  if (typeof principal === "string" && id === undefined) return { principal };
  throw new UsageError("say which: an id, or --for NAME", "dozo key list shows all");
}

function words(value: unknown): readonly string[] {
  return typeof value === "string" ? value.split(",").map((word) => word.trim()) : [];
}

/** What a key is good for, in few words: the grants of one key differ in their repositories only. */
function limitsOf({ grants, principal }: AccessKeySummary): string {
  if (grants === undefined) return `all that ${principal} may`;
  const [first] = grants;
  const actions =
    first === undefined || first.actions.length === accessActions.length ? "all" : first.actions.join(",");
  const where = grants.map(({ repositories }) => repositories).join(",");
  return `${actions} in ${where}`;
}

function endOf({ expiresAt }: AccessKeySummary): string {
  return expiresAt === undefined ? "for ever" : `until ${formatDay(expiresAt)}`;
}

function lastUseOf({ lastUsedAt }: AccessKeySummary): string {
  return lastUsedAt === undefined ? "never" : isoDate(lastUsedAt).slice(0, 16).replace("T", " ");
}

function forPrograms(summary: AccessKeySummary): object {
  const { id, principal, grants, createdAt, expiresAt, lastUsedAt, hasEnded } = summary;
  const [created, expires, lastUsed] = [createdAt, expiresAt, lastUsedAt].map((at) =>
    at === undefined ? null : isoDate(at),
  );
  return {
    id,
    for: principal,
    grants: grants ?? null,
    createdAt: created,
    expiresAt: expires,
    lastUsedAt: lastUsed,
    hasEnded,
  };
}
