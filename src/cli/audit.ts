import { Command } from "commander";
import { auditJson, auditKinds, auditOutcomes } from "../core/audit-event.ts";
import type { AuditQuery } from "../core/audit-store.ts";
import { RegistryError } from "../core/error.ts";
import { parseRepositoryPattern, type RepositoryPattern } from "../core/repository-pattern.ts";
import { onAudit } from "./administration.ts";
import { eventRow, eventTitles, troubleText } from "./audit-text.ts";
import { type CommandContext, UsageError } from "./command-context.ts";
import { examples } from "./examples.ts";
import { parseMoment } from "./moment.ts";
import { printJson, printTable } from "./output.ts";
import { addFolderOptions } from "./setting-options.ts";

type Options = Readonly<Record<string, unknown>>;

const defaultLimit = 30;
const mostEvents = 100_000;

/** `dozo audit`: who did what, from where and with what, while the server runs and while it does not. */
export function auditCommand(context: CommandContext): Command {
  return addFolderOptions(new Command("audit"))
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
  if (events.length === query.limit) output.note(`there may be more: --limit ${query.limit * 10}, or --until`);
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
  return {
    who: text("who"),
    what: text("what"),
    repositories: repositoriesOf(text("repository")),
    digest: text("digest"),
    address: text("from"),
    outcome,
    since: time("since"),
    until: time("until"),
    withDetails: options["all"] === true || outcome === "login-needed" || text("digest") !== undefined,
    limit: limitOf(text("limit")),
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

function limitOf(text: string | undefined): number {
  if (text === undefined) return defaultLimit;
  const limit = Number(text);
  if (Number.isInteger(limit) && limit > 0 && limit <= mostEvents) return limit;
  throw new UsageError(`--limit ${text} is no number of events`, `1 to ${mostEvents} are possible`);
}
