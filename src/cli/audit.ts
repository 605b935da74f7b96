import { Command } from "commander";
import { auditJson, auditKinds, auditOutcomes } from "../core/audit-event.ts";
import type { UnusedImage } from "../core/audit-state.ts";
import { type AuditQuery, isAboutDetails } from "../core/audit-store.ts";
import { RegistryError } from "../core/error.ts";
import { parseRepositoryPattern, type RepositoryPattern } from "../core/repository-pattern.ts";
import { onAudit } from "./administration.ts";
import { eventRow, eventTitles, troubleText } from "./audit-text.ts";
import { type CommandContext, UsageError } from "./command-context.ts";
import { examples } from "./examples.ts";
import { parseMoment } from "./moment.ts";
import { formatDay, isoDate, printJson, printTable } from "./output.ts";
import { addFolderOptions } from "./setting-options.ts";

type Options = Readonly<Record<string, unknown>>;

const defaultLimit = 30;
const mostEvents = 100_000;
const defaultUnusedDays = 90;
const mostDays = 3650;
const dayMs = 86_400_000;

/** `dozo audit`: who did what, from where and with what, while the server runs and while it does not. */
export function auditCommand(context: CommandContext): Command {
  const audit = addFolderOptions(new Command("audit"))
    .description("Show what happened: changes, refusals, logins, pulls and pushes, the newest last.")
    .option("--who <NAME>", "Of this user, robot or principal's id only.")
    .option("--what <WHAT>", `Only this: ${auditKinds.join(", ")}, or an action such as delete or "add user".`)
    .option("--repository <PATTERN>", "About these repositories only: team/app, or a pattern such as team/**.")
    .option("--digest <DIGEST>", "About this manifest or blob only.")
    .option("--from <ADDRESS>", "From this address only.")
    .option("--outcome <OUTCOME>", `Only what ended so: ${auditOutcomes.join(", ")}.`)
    .option("--since <TIME>", "From then on: 30m, 12h, 90d or 2026-11-24.")
    .option("--until <TIME>", "Before then.")
    .option("--limit <N>", `At most so many, the newest of them. (default: ${defaultLimit})`)
    .option("--all", "Also blobs, and requests that were only asked to log in.")
    .option("--json", "Print JSON.")
    .addHelpText(
      "before",
      examples(
        "dozo audit",
        "dozo audit --repository team/app --what pull --since 7d",
        "dozo audit --outcome refused --since 1h",
        "dozo audit --who maria --what change --json",
      ),
    )
    .action((options: Options) => showEvents(context, options));
  audit.enablePositionalOptions().addCommand(
    addFolderOptions(new Command("unused"))
      .description(
        "List the images that nobody has pulled, nor pushed, for so long. Whoever was pushed first comes first.",
      )
      .option("--days <N>", `For so many days. (default: ${defaultUnusedDays})`)
      .option("--repository <PATTERN>", "In these repositories only: team/app, or a pattern such as team/**.")
      .option("--limit <N>", `At most so many. (default: ${defaultLimit})`)
      .option("--json", "Print JSON.")
      .addHelpText("before", examples("dozo audit unused", "dozo audit unused --days 30 --repository 'team/**' --json"))
      .action((options: Options) => showUnused(context, options)),
  );
  return audit;
}

async function showUnused(context: CommandContext, options: Options): Promise<void> {
  const { output } = context;
  const days = numberOf("--days", options["days"] ?? `${defaultUnusedDays}`, mostDays);
  const since = Date.now() - days * dayMs;
  const question = {
    since,
    repositories: repositoriesOf(options["repository"] as string | undefined),
    limit: numberOf("--limit", options["limit"] ?? `${defaultLimit}`, mostEvents),
  };
  const { images, hasMore, completeSince } = await onAudit(context, options, (record) => record.unused(question));
  if (options["json"] === true)
    printJson(output, { completeSince: isoDate(completeSince), hasMore, images: images.map(unusedJson) });
  else printTable(output, ["IMAGE", "TAGS", "PUSHED", "PULLED LAST"], images.map(unusedRow));
  if (completeSince > since)
    output.note(
      `the record has every pull since ${isoDate(completeSince)} only: what was pulled before that may be listed here`,
    );
  if (hasMore) output.note(`there are more: --limit ${Math.min(question.limit * 10, mostEvents)}`);
}

function unusedRow({ repository, digest, tags, pushedAt, lastPulledAt }: UnusedImage): readonly string[] {
  const shown = tags.length > 3 ? [...tags.slice(0, 3), "…"] : tags;
  const pulled = lastPulledAt === undefined ? "no pull in the record" : formatDay(lastPulledAt);
  return [`${repository}@${digest.slice(0, 19)}`, shown.join(","), formatDay(pushedAt), pulled];
}

function unusedJson({ repository, digest, tags, pushedAt, lastPulledAt }: UnusedImage): object {
  const pulled = lastPulledAt === undefined ? null : isoDate(lastPulledAt);
  return { repository, digest, tags, pushedAt: isoDate(pushedAt), lastPulledAt: pulled };
}

async function showEvents(context: CommandContext, options: Options): Promise<void> {
  const { output } = context;
  const query = queryOf(options);
  const { events, summary } = await onAudit(context, options, async (audit) => ({
    events: await audit.list(query),
    summary: await audit.summary(),
  }));
  const inOrder = events.toReversed();
  if (options["json"] === true) printJson(output, inOrder.map(auditJson));
  else printTable(output, eventTitles, inOrder.map(eventRow));
  if (events.length === query.limit)
    output.note(`there may be more: --limit ${Math.min(query.limit * 10, mostEvents)}, or --until`);
  if (summary.trouble !== undefined) output.note(troubleText(summary.trouble));
}

function queryOf(options: Options): AuditQuery {
  const now = Date.now();
  const text = (name: string): string | undefined => options[name] as string | undefined;
  const time = (name: string): number | undefined => {
    const written = text(name);
    return written === undefined ? undefined : parseMoment(`--${name}`, written, now);
  };
  const outcome = auditOutcomes.find((each) => each === text("outcome"));
  if (outcome === undefined && text("outcome") !== undefined)
    throw new UsageError(`--outcome ${text("outcome")} is none`, `there are ${auditOutcomes.join(", ")}`);
  const digest = text("digest");
  return {
    who: text("who"),
    what: text("what"),
    repositories: repositoriesOf(text("repository")),
    digest,
    address: text("from"),
    outcome,
    since: time("since"),
    until: time("until"),
    withDetails: options["all"] === true || isAboutDetails({ digest, outcome }),
    limit: numberOf("--limit", text("limit") ?? `${defaultLimit}`, mostEvents),
  };
}

function repositoriesOf(text: string | undefined): RepositoryPattern | undefined {
  if (text === undefined) return undefined;
  try {
    return parseRepositoryPattern(text);
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    throw new UsageError(error.message, "dozo audit --help shows examples");
  }
}

function numberOf(flag: string, text: unknown, most: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0 && number <= most) return number;
  throw new UsageError(`${flag} ${String(text)} is not possible`, `a whole number from 1 to ${most} is`);
}
