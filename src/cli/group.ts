import { Command } from "commander";
import type { Administration } from "../core/administration.ts";
import { onRegistry } from "./administration.ts";
import type { CommandContext } from "./command-context.ts";
import { examples } from "./examples.ts";
import { formatDay, isoDate, printJson, printTable } from "./output.ts";
import { rightsLine } from "./rights.ts";
import { addFolderOptions } from "./setting-options.ts";

type Options = Readonly<Record<string, unknown>>;

const mostShown = 8;

/** `dozo group`: dozo's own groups, while the server runs and while it does not. */
export function groupCommand(context: CommandContext): Command {
  const group = new Command("group").description("Make, remove and list groups of users and robots, for rules.");
  const rule = "dozo access allow group:dev push 'team/**'";
  group.addHelpText("before", examples("dozo group add dev", "dozo group join dev maria ci", rule));
  group.addCommand(
    addFolderOptions(new Command("add"))
      .description("Make a group, with nobody in it yet.")
      .argument("<NAME>")
      .option("--json", "Print JSON.")
      .addHelpText("before", examples("dozo group add dev"))
      .action((name: string, options: Options) => addGroup(context, name, options)),
  );
  group.addCommand(
    addFolderOptions(new Command("remove"))
      .description("Remove a group and the rules about it. One of the same name that is made later inherits nothing.")
      .argument("<NAME>")
      .option("--json", "Print JSON.")
      .addHelpText("before", examples("dozo group remove dev"))
      .action((name: string, options: Options) => removeGroup(context, name, options)),
  );
  group.addCommand(
    memberCommand(context, "join", "Put users and robots into a group: what its rules say holds at once."),
  );
  group.addCommand(memberCommand(context, "leave", "Take users and robots out of a group."));
  group.addCommand(
    addFolderOptions(new Command("list"))
      .description("List the groups and who is in them; not those of a directory or provider.")
      .option("--json", "Print JSON.")
      .addHelpText("before", examples("dozo group list", "dozo group list --json"))
      .action((options: Options) => listGroups(context, options)),
  );
  return group;
}

function memberCommand(context: CommandContext, what: "join" | "leave", description: string): Command {
  return addFolderOptions(new Command(what))
    .description(description)
    .argument("<GROUP>")
    .argument("<MEMBERS...>", "users, those of an htpasswd file or a directory among them, and robots")
    .option("--json", "Print JSON.")
    .addHelpText("before", examples(`dozo group ${what} dev maria`, `dozo group ${what} dev maria ci`))
    .action((group: string, members: readonly string[], options: Options) =>
      changeMembers(context, what, group, members, options),
    );
}

async function addGroup(context: CommandContext, name: string, options: Options): Promise<void> {
  await onRegistry(context, options, (administration) => administration.groups.add(name));
  if (options["json"] === true) printJson(context.output, { name });
  else {
    context.output.print(`added group ${name}`);
    context.output.print(`Put somebody into it: dozo group join ${name} MEMBER`);
  }
}

async function removeGroup(context: CommandContext, name: string, options: Options): Promise<void> {
  const removed = await onRegistry(context, options, (administration) => administration.groups.remove(name));
  if (options["json"] === true) printJson(context.output, { name, ...removed });
  else context.output.print(`removed group ${name}; members: ${removed.members}, rules: ${removed.rules}`);
}

async function changeMembers(
  context: CommandContext,
  what: "join" | "leave",
  group: string,
  members: readonly string[],
  options: Options,
): Promise<void> {
  const work = async (administration: Administration): Promise<string | undefined> => {
    await administration.groups[what](group, members);
    return what === "join" ? rightsLine(administration, `group:${group}`) : undefined;
  };
  const rights = await onRegistry(context, options, work);
  if (options["json"] === true) {
    printJson(context.output, { group, members });
    return;
  }
  context.output.print(`${members.join(", ")} ${what === "join" ? "joined" : "left"} ${group}`);
  if (rights !== undefined) context.output.print(rights);
}

async function listGroups(context: CommandContext, options: Options): Promise<void> {
  const groups = await onRegistry(context, options, (administration) => administration.groups.list());
  if (options["json"] === true) {
    printJson(
      context.output,
      groups.map(({ name, members, createdAt }) => ({ name, members, createdAt: isoDate(createdAt) })),
    );
    return;
  }
  const rows = groups.map(({ name, members, createdAt }) => [name, formatDay(createdAt), shown(members)]);
  printTable(context.output, ["NAME", "SINCE", "MEMBERS"], rows);
}

function shown(members: readonly string[]): string {
  const more = members.length - mostShown;
  return `${members.slice(0, mostShown).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
