import { Command, CommanderError } from "commander";
import manifest from "../../package.json" with { type: "json" };
import { SettingsError } from "../config/load.ts";
import { AdministrationError } from "../core/administration.ts";
import { ExplainedError } from "../process/explained-error.ts";
import { type CommandContext, FailedQuietly, UsageError } from "./command-context.ts";
import { examples } from "./examples.ts";
import { helpWords, type Output, processOutput } from "./output.ts";
import { usageMessage } from "./usage-hints.ts";

const failed = 1;
const wrongUse = 2;

/** In the order of the help. Each is loaded when it is asked for: what asks the running server has no use for what a server is made of. */
const commands: Readonly<Record<string, () => Promise<(context: CommandContext) => Command>>> = {
  up: async () => (await import("./up.ts")).upCommand,
  serve: async () => (await import("./serve.ts")).serveCommand,
  status: async () => (await import("./status.ts")).statusCommand,
  user: async () => (await import("./user.ts")).userCommand,
  group: async () => (await import("./group.ts")).groupCommand,
  robot: async () => (await import("./robot.ts")).robotCommand,
  cert: async () => (await import("./cert.ts")).certCommand,
  access: async () => (await import("./access.ts")).accessCommand,
  audit: async () => (await import("./audit.ts")).auditCommand,
  gc: async () => (await import("./gc.ts")).gcCommand,
  key: async () => (await import("./key.ts")).keyCommand,
  ca: async () => (await import("./ca.ts")).caCommand,
  enroll: async () => (await import("./enroll.ts")).enrollCommand,
  backup: async () => (await import("./backup.ts")).backupCommand,
  verify: async () => (await import("./verify.ts")).verifyCommand,
  restore: async () => (await import("./restore.ts")).restoreCommand,
  explain: async () => (await import("./explain.ts")).explainCommand,
  doctor: async () => (await import("./doctor.ts")).doctorCommand,
  service: async () => (await import("./service.ts")).serviceCommand,
  version: async () => (await import("./version.ts")).versionCommand,
};

/** Runs a command line (without the program's name) and answers the exit code: 0, 1 (it failed) or 2 (wrong use). */
export async function runCommandLine(words: readonly string[]): Promise<number> {
  const output = processOutput(process.env["DOZO_CALLED_AS"] ?? "dozo", words);
  try {
    const context: CommandContext = {
      output,
      environment: process.env,
      uid: process.getuid?.() ?? 0,
      version: manifest.version,
      showsAllSettings: asksForAllSettings(words),
      readInput: () => Bun.stdin.text(),
    };
    const program = await createProgram(context, words[0]);
    program.hook("preAction", () => assertVerifies(context));
    await program.parseAsync(spellOut(program, words), { from: "user" });
    return 0;
  } catch (error) {
    return explain(error, output);
  }
}

/** The runtime takes every certificate for good where this variable says so, the ones of the servers that dozo asks among them. */
function assertVerifies({ environment }: CommandContext): void {
  if (environment["NODE_TLS_REJECT_UNAUTHORIZED"] !== "0") return;
  throw new ExplainedError(
    "NODE_TLS_REJECT_UNAUTHORIZED=0 would switch the verification of every certificate off",
    "unset NODE_TLS_REJECT_UNAUTHORIZED; NODE_EXTRA_CA_CERTS=FILE adds an authority",
  );
}

/**
 * The command that a command line begins with, or all of them where it begins with none; nothing runs before it is parsed.
 */
export async function createProgram(context: CommandContext, first = ""): Promise<Command> {
  const program = new Command("dozo")
    .description("A private container registry that stands itself up.")
    // What stands behind a command is that command's: enroll and enroll kubernetes have flags of the same names.
    .enablePositionalOptions()
    .version(context.version, "--version", "Print the version.")
    .helpCommand("help [COMMAND]", "Show the help of a command.")
    .addHelpText("before", examples("dozo up", "dozo user add maria", "dozo status", "sudo dozo service install"));
  const named = Object.hasOwn(commands, first) ? commands[first] : undefined;
  const loads = named === undefined ? Object.values(commands) : [named];
  for (const make of await Promise.all(loads.map((load) => load()))) program.addCommand(make(context));
  for (const command of [program, ...descendants(program)]) {
    command.exitOverride().showHelpAfterError(`(dozo ${pathOf(command)}--help shows how it is used)`);
    command.helpOption("-h, --help", "Show this help.");
    if (command.commands.length > 0) command.helpCommand("help [COMMAND]", "Show the help of a command.");
    command.configureOutput({
      writeOut: (text) => context.output.print(text.replace(/\n$/, "")),
      writeErr: (text) => context.output.note(text.replace(/\n$/, "")),
      outputError: (text, write) => write(usageMessage(text)),
    });
  }
  return program;
}

function asksForAllSettings(words: readonly string[]): boolean {
  return words.includes("--all") && (words[0] === "help" || words.some((word) => helpWords.includes(word)));
}

/** `help X` is `X --help`. Help for a command that does not exist is the error that the command itself is. */
function spellOut(program: Command, words: readonly string[]): readonly string[] {
  const plain = asksForAllSettings(words) ? words.filter((word) => word !== "--all") : words;
  const asked = plain[0] === "help" ? [...plain.slice(1), "--help"] : plain;
  let command = program;
  for (const word of asked) {
    if (command.commands.length === 0 || word.startsWith("-")) return asked;
    const next = command.commands.find((each) => each.name() === word);
    if (next === undefined) return asked.filter((each) => !helpWords.includes(each));
    command = next;
  }
  return asked;
}

/** A command and all below it, in the order of the help. */
export function descendants(command: Command): readonly Command[] {
  return command.commands.flatMap((each) => [each, ...descendants(each)]);
}

function pathOf(command: Command): string {
  const { parent } = command;
  return parent === null ? "" : `${pathOf(parent)}${command.name()} `;
}

function explain(error: unknown, output: Output): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : wrongUse;
  if (error instanceof FailedQuietly) return failed;
  if (error instanceof SettingsError) {
    for (const fault of error.faults) output.note(`dozo: ${fault}`);
    return wrongUse;
  }
  const { message, remedy } = sentence(error);
  output.note(`dozo: ${message}`);
  if (remedy !== undefined) output.note(`      ${remedy}`);
  return error instanceof UsageError ? wrongUse : failed;
}

function sentence(error: unknown): { readonly message: string; readonly remedy: string | undefined } {
  if (error instanceof ExplainedError || error instanceof UsageError) return error;
  if (error instanceof AdministrationError) return { message: error.message, remedy: remedies[error.fault] };
  return { message: error instanceof Error ? error.message : String(error), remedy: undefined };
}

/** Undefined where the message has the command itself. */
const remedies: Readonly<Record<AdministrationError["fault"], string | undefined>> = {
  "name-invalid": "choose another name",
  "password-invalid": "leave out --password-stdin, and dozo makes one",
  "user-exists": "dozo user passwd NAME gives another password, dozo user list shows all",
  "user-unknown":
    "dozo user list and dozo robot list show all; who comes from a directory or provider is known after a first login",
  "robot-exists": "dozo robot list shows all",
  "robot-invalid": "dozo robot add --help shows how a robot is made",
  "robot-unknown": "dozo robot list shows all",
  "group-exists": "dozo group join NAME MEMBER puts somebody into it, dozo group list shows all",
  "group-unknown": "dozo group add NAME makes one, dozo group list shows all",
  "member-unknown": "dozo group list shows who is in which group",
  "rule-invalid": "dozo access allow --help shows how a rule is written",
  "rule-unknown": "dozo access list shows all",
  "certificate-unknown": "dozo cert list shows all",
  "key-invalid": "dozo key create --help shows what a key can be",
  "key-unknown": "dozo key list shows all",
  "too-many-keys": "dozo key list shows those that were not used for long, dozo key revoke ID makes room",
  "last-admin": "add another admin first: dozo user add NAME --admin",
  "image-unknown": "write it as REPOSITORY:TAG or REPOSITORY@DIGEST",
  "name-not-permitted": undefined,
  "certificate-unusable": undefined,
  "clients-unready":
    "wait for them and tell their users: dozo enroll; or serve it all the same: dozo ca rotate --finish --force",
};
