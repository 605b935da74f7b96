import { Command } from "commander";
import { accessActions } from "../core/access-rule.ts";
import type { AccessAnswer, AccessQuestion, RuleSummary, RuleText } from "../core/administration.ts";
import { subjectWords } from "../core/subject-word.ts";
import { ExplainedError } from "../process/explained-error.ts";
import { onRegistry } from "./administration.ts";
import type { CommandContext } from "./command-context.ts";
import { examples } from "./examples.ts";
import { formatDay, isoDate, printJson, printTable } from "./output.ts";
import { ruleSentence } from "./rights.ts";
import { addFolderOptions } from "./setting-options.ts";

type Options = Readonly<Record<string, unknown>>;

const ruleArguments = [
  ["<WHO>", `${subjectWords} (everyone: all who are logged in; anonymous: who is not)`],
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
      .description("List the rules, in the order in which they were made; with WHO those that hold for somebody.")
      .argument("[WHO]", subjectWords)
      .option("--json", "Print JSON.")
      .addHelpText("before", examples("dozo access list", "dozo access list maria", "dozo access list --json"))
      .action((who: string | undefined, options: Options) => listRules(context, who, options)),
  );
  access.addCommand(
    addFolderOptions(new Command("check"))
      .description("Say whether somebody may do something, and which rule decides that. Ends with 1 if not.")
      .argument("<WHO>", subjectWords)
      .argument("<ACTION>", accessActions.join(", "))
      .argument("<REPOSITORY>")
      .option("--json", "Print JSON.")
      .addHelpText(
        "before",
        examples("dozo access check maria push team/app", "dozo access check anonymous pull public/app"),
      )
      .action((who: string, action: string, repository: string, options: Options) =>
        checkAccess(context, { who, action, repository }, options),
      ),
  );
  return access;
}

function ruleCommand(context: CommandContext, effect: RuleText["effect"], description: string): Command {
  const command = addFolderOptions(new Command(effect)).description(description);
  for (const [name, about] of ruleArguments) command.argument(name, about);
  return command
    .option("--json", "Print JSON.")
    .addHelpText(
      "before",
      examples(
        `dozo access ${effect} ci pull,push 'team/**'`,
        `dozo access ${effect} group:dev push,overwrite 'team/*'`,
        `dozo access ${effect} everyone delete 'sandbox/*'`,
      ),
    )
    .action((who: string, what: string, repositories: string, options: Options) =>
      addRule(context, { effect, who, actions: what.split(","), repositories }, options),
    );
}

async function addRule(context: CommandContext, text: RuleText, options: Options): Promise<void> {
  const { rule, notes } = await onRegistry(context, options, (administration) => administration.addRule(text));
  if (options["json"] === true) printJson(context.output, { ...forPrograms(rule), notes });
  else context.output.print(`${ruleSentence(rule)} (rule ${rule.id})`);
  for (const note of notes) context.output.note(note);
  if (text.effect === "deny") context.output.note("no rule holds for admins: they may do everything");
}

async function removeRule(context: CommandContext, id: string, options: Options): Promise<void> {
  await onRegistry(context, options, (administration) => administration.removeRule(id));
  if (options["json"] === true) printJson(context.output, { id });
  else context.output.print(`removed rule ${id}`);
}

async function listRules(context: CommandContext, who: string | undefined, options: Options): Promise<void> {
  const rules = await onRegistry(context, options, (administration) =>
    who === undefined ? administration.listRules() : administration.listRulesFor(who),
  );
  if (options["json"] === true) {
    printJson(context.output, rules.map(forPrograms));
    return;
  }
  const rows = rules.map((rule) => {
    const { id, effect, actions, repositories } = rule;
    return [id, effect, rule.who, actions.join(","), repositories, formatDay(rule.createdAt)];
  });
  printTable(context.output, ["RULE", "EFFECT", "WHO", "WHAT", "REPOSITORIES", "SINCE"], rows);
  if (rules.length > 0) return;
  context.output.note(who === undefined ? "there is no rule: only admins may do anything" : `no rule is about ${who}`);
}

async function checkAccess(context: CommandContext, question: AccessQuestion, options: Options): Promise<void> {
  const answer = await onRegistry(context, options, (administration) => administration.checkAccess(question));
  const { isAllowed, isAdmin, rule, hindrance = null } = answer;
  if (options["json"] === true)
    printJson(context.output, { isAllowed, isAdmin, rule: rule === undefined ? null : forPrograms(rule), hindrance });
  else context.output.print(`${isAllowed ? "yes" : "no"}: ${reasonOf(answer, question.who)}`);
  if (isAllowed) return;
  const { who, action, repository } = question;
  throw new ExplainedError(`${who} may not ${action} in ${repository}`, remedyOf(answer, question));
}

function remedyOf({ rule, hindrance }: AccessAnswer, { who, action, repository }: AccessQuestion): string {
  if (hindrance === "expired") return `to begin anew: dozo robot remove ${who}; dozo robot add ${who}`;
  if (rule?.effect === "deny") return `to change that: dozo access remove ${rule.id}`;
  if (who === "anonymous" && action !== "pull") return "who is not logged in can only ever pull";
  const whom = hindrance === "owner" ? "OWNER" : who;
  return `to change that: dozo access allow ${whom} ${action} ${repository}`;
}

function reasonOf({ isAdmin, rule, hindrance }: AccessAnswer, user: string): string {
  if (hindrance === "expired") return `the time of the robot ${user} is over`;
  if (hindrance === "owner")
    return `${user} is somebody's robot, and its owner may not: ${rule === undefined ? "no rule allows it" : ruleSentence(rule)}`;
  if (isAdmin) return `${user} is an admin, and admins may do everything`;
  return rule === undefined ? "no rule allows it" : `${ruleSentence(rule)} (rule ${rule.id})`;
}

function forPrograms({ createdAt, ...rule }: RuleSummary): object {
  return { ...rule, createdAt: isoDate(createdAt) };
}
