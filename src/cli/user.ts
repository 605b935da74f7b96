import { Command } from "commander";
import type { Administration } from "../core/administration.ts";
import { removeFirstPassword } from "../process/first-password.ts";
import { onRegistry } from "./administration.ts";
import { type CommandContext, folderSettings, UsageError } from "./command-context.ts";
import { examples } from "./examples.ts";
import { formatDay, isoDate, printJson, printTable } from "./output.ts";
import { makePassword, readPassword } from "./password.ts";
import { rightsLine } from "./rights.ts";
import { addFolderOptions } from "./setting-options.ts";

type Options = Readonly<Record<string, unknown>>;

const passwordOption = ["--password-stdin", "Read the password from standard input instead of making one."] as const;

/** `dozo user`: dozo's own users, while the server runs and while it does not. */
export function userCommand(context: CommandContext): Command {
  const user = new Command("user").description("Add, change, remove and list users.");
  user.addHelpText("before", examples("dozo user add maria", "dozo user list"));
  user.addCommand(
    addFolderOptions(new Command("add"))
      .description("Add a user. The password is made and shown once, or read from standard input.")
      .argument("<NAME>")
      .option("--admin", "May do everything.")
      .option(...passwordOption)
      .option("--json", "Print JSON.")
      .addHelpText(
        "before",
        examples("dozo user add maria", "printf '%s' SECRET | dozo user add maria --password-stdin"),
      )
      .action((name: string, options: Options) => addUser(context, name, options)),
  );
  user.addCommand(
    addFolderOptions(new Command("passwd"))
      .description("Give a user another password. The old one holds no more from then on.")
      .argument("<NAME>")
      .option(...passwordOption)
      .option("--json", "Print JSON.")
      .addHelpText("before", examples("dozo user passwd maria", "dozo user passwd maria --password-stdin < FILE"))
      .action((name: string, options: Options) => changePassword(context, name, options)),
  );
  user.addCommand(
    addFolderOptions(new Command("remove"))
      .description(
        "Remove a user. One of the same name that is added later inherits nothing; of the company's login (OpenID Connect) nobody comes back by logging in again.",
      )
      .argument("<NAME>")
      .option("--json", "Print JSON.")
      .addHelpText("before", examples("dozo user remove maria"))
      .action((name: string, options: Options) => removeUser(context, name, options)),
  );
  user.addCommand(
    addFolderOptions(new Command("readmit"))
      .description("Take back the removal of a user of the company's login (OpenID Connect).")
      .argument("<NAME>")
      .option("--json", "Print JSON.")
      .addHelpText("before", examples("dozo user readmit maria"))
      .action((name: string, options: Options) => readmitUser(context, name, options)),
  );
  user.addCommand(
    addFolderOptions(new Command("list"))
      .description("List the users.")
      .option("--json", "Print JSON.")
      .addHelpText("before", examples("dozo user list", "dozo user list --json"))
      .action((options: Options) => listUsers(context, options)),
  );
  return user;
}

async function addUser(context: CommandContext, name: string, options: Options): Promise<void> {
  const isAdmin = options["admin"] === true;
  await withNewPassword(context, options, { name, isAdmin }, `added ${name}`, (administration, password) =>
    administration.addUser({ name, password, isAdmin }),
  );
  if (options["json"] !== true) await printRights(context, name, isAdmin, options);
}

/** What will hold for somebody who has just been made. */
async function printRights(context: CommandContext, name: string, isAdmin: boolean, options: Options): Promise<void> {
  const { output } = context;
  if (isAdmin) return output.print(`${name} is an admin and may do everything`);
  output.print(await onRegistry(context, options, (administration) => rightsLine(administration, name)));
}

async function changePassword(context: CommandContext, name: string, options: Options): Promise<void> {
  await withNewPassword(context, options, { name }, `changed the password of ${name}`, (administration, password) =>
    administration.changePassword(name, password),
  );
  removeFirstPassword(folderSettings(context, options).data);
}

async function removeUser(context: CommandContext, name: string, options: Options): Promise<void> {
  const robots = await onRegistry(context, options, async (administration) => {
    const owned = (await administration.robots.list()).filter(({ owner }) => owner === name);
    await administration.removeUser(name);
    return owned.map((robot) => robot.name);
  });
  if (options["json"] === true) printJson(context.output, { name, robots });
  else context.output.print([`removed ${name}`, ...robots.map((robot) => `the robot ${robot}`)].join(", "));
}

async function readmitUser(context: CommandContext, name: string, options: Options): Promise<void> {
  await onRegistry(context, options, (administration) => administration.readmitUser(name));
  if (options["json"] === true) printJson(context.output, { name });
  else context.output.print(`${name} may log in with the company's login again`);
}

async function listUsers(context: CommandContext, options: Options): Promise<void> {
  const { users, company } = await onRegistry(context, options, async (administration) => ({
    users: await administration.listUsers(),
    company: await administration.listCompanyUsers(),
  }));
  if (options["json"] === true) {
    printJson(context.output, [
      ...users.map(({ name, isAdmin, createdAt }) => ({ name, isAdmin, createdAt: isoDate(createdAt) })),
      ...company.map((user) => ({ ...user, isAdmin: false, createdAt: isoDate(user.createdAt) })),
    ]);
    return;
  }
  const rows = [
    ...users.map(({ name, isAdmin, createdAt }) => [name, isAdmin ? "admin" : "user", formatDay(createdAt)]),
    ...company.map(({ name, isRemoved, createdAt }) => [name, companyRole(isRemoved), formatDay(createdAt)]),
  ];
  printTable(context.output, ["NAME", "ROLE", "SINCE"], rows);
}

function companyRole(isRemoved: boolean): string {
  return isRemoved ? "company login, removed" : "company login";
}

async function withNewPassword(
  context: CommandContext,
  options: Options,
  result: object,
  done: string,
  change: (administration: Administration, password: string) => Promise<void>,
): Promise<void> {
  const { output } = context;
  const isGiven = options["passwordStdin"] === true;
  if (!isGiven && !output.isTerminal) {
    throw new UsageError(
      "a password is only shown on a terminal, and this is none",
      "run it in a terminal, or give the password: … --password-stdin < FILE",
    );
  }
  const password = isGiven ? await readPassword(context) : makePassword();
  await onRegistry(context, options, (administration) => change(administration, password));
  const shown = isGiven ? {} : { password };
  if (options["json"] === true) printJson(output, { ...result, ...shown });
  else output.print(isGiven ? done : `${done}. The password, shown this once: ${password}`);
}
