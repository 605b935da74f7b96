import { Command } from "commander";
import { accessActions } from "../core/access-rule.ts";
import type { AccessAnswer, RuleSummary, RuleText } from "../core/administration.ts";
import { ExplainedError } from "../process/explained-error.ts";
import { onRegistry } from "./administration.ts";
import type { CommandContext } from "./command-context.ts";
import { examples } from "./examples.ts";
import { formatDay, isoDate, printJson, printTable } from "./output.ts";
import { addFolderOptions } from "./setting-options.ts";

type Options = Readonly<Record<string, unknown>>;

const ruleArguments = [
  ["<WHO>", "a user's name, or everyone: all who are logged in"],
  ["<WHAT>", `${accessActions.join(", ")}; several with commas`],
  ["<REPOSITORIES>", "a repository, or a pattern: team/* (one level), team/** (all below), ** (all there are)"],
] as const;

/** `dozo access`: who may do what, while the server runs and while it does not. */
export function accessCommand(context: CommandContext): Command {
  const access = new Command("access").description("Rule who may pull, push, overwrite and delete where.");
  const shown = ["dozo access list", "dozo access allow ci pull 'team/**'", "dozo access check maria push team/app"];
  access.addHelpText("before", examples(...shown));
  access.addCommand(
    ruleCommand(context, "allow", "Let somebody do something. A rule that denies the same counts before it."),
  );
  access.addCommand(ruleCommand(context, "deny", "Let somebody not do something, whatever else allows it."));
  access.addCommand(
    addFolderOptions(new Command("remove"))
      .description("Take a rule away. What no rule allows only admins may do.")
      .argument("<RULE>", "its id, as dozo access list shows it")
      .option("--json", "Print JSON.")
      .addHelpText("before", examples("dozo access remove 00000000000000000000000001"))
      .action((id: string, options: Options) => removeRule(context, id, options)),
  );
  access.addCommand(
    addFolderOptions(new Command("list"))
      .description("List the rules, in the order in which they were made.")
      .option("--json", "Print JSON.")
      .addHelpText("before", examples("dozo access list", "dozo access list --json"))
      .action((options: Options) => listRules(context, options)),
  );
  access.addCommand(
    addFolderOptions(new Command("check"))
      .description("Say whether a user may do something, and which rule decides that. Ends with 1 if not.")
      .argument("<USER>")
      .argument("<ACTION>", accessActions.join(", "))
      .argument("<REPOSITORY>")
      .option("--json", "Print JSON.")
      .addHelpText("before", examples("dozo access check maria push team/app"))
      .action((user: string, action: string, repository: string, options: Options) =>
        checkAccess(context, { user, action, repository }, options),
      ),
  );
  return access;
}

/** A rule as a sentence. */
export function ruleSentence({ effect, who, actions, repositories }: RuleText): string {
  const where = repositories === "**" ? "everywhere" : `in ${repositories}`;
  return `${who} may ${effect === "deny" ? "not " : ""}${actions.join(", ")} ${where}`;
}

function ruleCommand(context: CommandContext, effect: RuleText["effect"], description: string): Command {
  const command = addFolderOptions(new Command(effect)).description(description);
  for (const [name, about] of ruleArguments) command.argument(name, about);
  return command
    .option("--json", "Print JSON.")
    .addHelpText(
      "before",
      examples(`dozo access ${effect} ci pull,push 'team/**'`, `dozo access ${effect} everyone delete 'sandbox/*'`),
    )
    .action((who: string, what: string, repositories: string, options: Options) =>
      addRule(context, { effect, who, actions: what.split(","), repositories }, options),
    );
}

async function addRule(context: CommandContext, text: RuleText, options: Options): Promise<void> {
  const rule = await onRegistry(context, options, (administration) => administration.addRule(text));
  if (options["json"] === true) printJson(context.output, forPrograms(rule));
  else context.output.print(`${ruleSentence(rule)} (rule ${rule.id})`);
  if (text.effect === "deny") context.output.note("no rule holds for admins: they may do everything");
}

async function removeRule(context: CommandContext, id: string, options: Options): Promise<void> {
  await onRegistry(context, options, (administration) => administration.removeRule(id));
  if (options["json"] === true) printJson(context.output, { id });
  else context.output.print(`removed rule ${id}`);
}

async function listRules(context: CommandContext, options: Options): Promise<void> {
  const rules = await onRegistry(context, options, (administration) => administration.listRules());
  if (options["json"] === true) {
    printJson(context.output, rules.map(forPrograms));
    return;
  }
  const rows = rules.map(({ id, effect, who, actions, repositories, createdAt }) => {
    return [id, effect, who, actions.join(","), repositories, formatDay(createdAt)];
  });
  printTable(context.output, ["RULE", "EFFECT", "WHO", "WHAT", "REPOSITORIES", "SINCE"], rows);
  if (rules.length === 0) context.output.note("there is no rule: only admins may do anything");
}

async function checkAccess(
  context: CommandContext,
  question: { readonly user: string; readonly action: string; readonly repository: string },
  options: Options,
): Promise<void> {
  const answer = await onRegistry(context, options, (administration) => administration.checkAccess(question));
  const { isAllowed, isAdmin, rule } = answer;
  if (options["json"] === true)
    printJson(context.output, { isAllowed, isAdmin, rule: rule === undefined ? null : forPrograms(rule) });
  else context.output.print(`${isAllowed ? "yes" : "no"}: ${reasonOf(answer, question.user)}`);
  if (isAllowed) return;
  const { user, action, repository } = question;
  const remedy = rule === undefined ? `allow ${user} ${action} ${repository}` : `remove ${rule.id}`;
  throw new ExplainedError(`${user} may not ${action} in ${repository}`, `to change that: dozo access ${remedy}`);
}

function reasonOf({ isAdmin, rule }: AccessAnswer, user: string): string {
  if (isAdmin) return `${user} is an admin, and admins may do everything`;
  return rule === undefined ? "no rule allows it" : `${ruleSentence(rule)} (rule ${rule.id})`;
}

function forPrograms({ createdAt, ...rule }: RuleSummary): object {
  return { ...rule, createdAt: isoDate(createdAt) };
}
