import { Command } from "commander";
import type { RobotSummary } from "../core/principal-administration.ts";
import { onRegistry } from "./administration.ts";
import type { CommandContext } from "./command-context.ts";
import { examples } from "./examples.ts";
import { lifetimeOf } from "./lifetime.ts";
import { formatDay, isoDate, printJson, printTable } from "./output.ts";
import { rightsLine } from "./rights.ts";
import { addFolderOptions } from "./setting-options.ts";

type Options = Readonly<Record<string, unknown>>;

/** `dozo robot`: programs that log in with access keys, while the server runs and while it does not. */
export function robotCommand(context: CommandContext): Command {
  const robot = new Command("robot").description("Add, remove and list robots: programs that log in with access keys.");
  robot.addHelpText("before", examples("dozo robot add ci", "dozo robot list"));
  robot.addCommand(
    addFolderOptions(new Command("add"))
      .description("Add a robot. It has no password, and is never an admin: rules say what it may.")
      .argument("<NAME>")
      .option("--owner <USER>", "Whose it is: it may at most what this user may, and goes with the user.")
      .option("--expires <TIME>", "Refused after so many hours, days or weeks (12h, 90d, 8w), or never.", "never")
      .option("--json", "Print JSON.")
      .addHelpText("before", examples("dozo robot add ci", "dozo robot add nightly --owner maria --expires 90d"))
      .action((name: string, options: Options) => addRobot(context, name, options)),
  );
  robot.addCommand(
    addFolderOptions(new Command("remove"))
      .description("Remove a robot, and with it its keys. One of the same name that is added later inherits nothing.")
      .argument("<NAME>")
      .option("--json", "Print JSON.")
      .addHelpText("before", examples("dozo robot remove ci"))
      .action((name: string, options: Options) => removeRobot(context, name, options)),
  );
  robot.addCommand(
    addFolderOptions(new Command("list"))
      .description("List the robots, those whose time is over among them.")
      .option("--json", "Print JSON.")
      .addHelpText("before", examples("dozo robot list", "dozo robot list --json"))
      .action((options: Options) => listRobots(context, options)),
  );
  return robot;
}

async function addRobot(context: CommandContext, name: string, options: Options): Promise<void> {
  const { output } = context;
  const owner = typeof options["owner"] === "string" ? options["owner"] : undefined;
  const lifetimeMs = lifetimeOf(String(options["expires"]));
  const expiresAt = lifetimeMs === "never" ? undefined : Date.now() + lifetimeMs;
  const rights = await onRegistry(context, options, async (administration) => {
    await administration.robots.add({ name, owner, expiresAt });
    return rightsLine(administration, name);
  });
  if (options["json"] === true) {
    printJson(output, { name, owner: owner ?? null, expiresAt: dateOrNull(expiresAt) });
    return;
  }
  const end = expiresAt === undefined ? "" : `, until ${formatDay(expiresAt)}`;
  output.print(`added robot ${name}${owner === undefined ? "" : ` of ${owner}`}${end}`);
  output.print(owner === undefined ? rights : `${rights}; and never more than ${owner} may`);
  output.print(`It logs in with a key: dozo key create --for ${name}`);
}

async function removeRobot(context: CommandContext, name: string, options: Options): Promise<void> {
  await onRegistry(context, options, (administration) => administration.robots.remove(name));
  if (options["json"] === true) printJson(context.output, { name });
  else context.output.print(`removed robot ${name}`);
}

async function listRobots(context: CommandContext, options: Options): Promise<void> {
  const robots = await onRegistry(context, options, (administration) => administration.robots.list());
  if (options["json"] === true) {
    printJson(context.output, robots.map(forPrograms));
    return;
  }
  const rows = robots.map((robot) => [
    robot.name,
    robot.owner ?? "the registry",
    robot.expiresAt === undefined ? "" : `${formatDay(robot.expiresAt)}${robot.hasExpired ? " (over)" : ""}`,
    formatDay(robot.createdAt),
  ]);
  printTable(context.output, ["NAME", "OWNER", "UNTIL", "SINCE"], rows);
}

function forPrograms({ name, owner, expiresAt, hasExpired, createdAt }: RobotSummary): object {
  const dates = { expiresAt: dateOrNull(expiresAt), hasExpired, createdAt: isoDate(createdAt) };
  return { name, owner: owner ?? null, ...dates };
}

function dateOrNull(at: number | undefined): string | null {
  return at === undefined ? null : isoDate(at);
}
