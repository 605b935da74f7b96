import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Command } from "commander";
import { defaultListener, type Settings } from "../config/settings.ts";
import type { RegistryStatus } from "../core/administration.ts";
import type { Finding } from "../diagnosis/finding.ts";
import { thisMachine } from "../doctor/client-machine.ts";
import type { Examination } from "../doctor/examination.ts";
import { examineRegistry, type RegistryVisit } from "../doctor/registry-doctor.ts";
import { parseRegistryReference } from "../doctor/registry-reference.ts";
import { examineServer, type RunningServer } from "../doctor/server-doctor.ts";
import { rememberedPort } from "../process/chosen-port.ts";
import { findControlSocket } from "../process/control-socket.ts";
import { ExplainedError } from "../process/explained-error.ts";
import { type CommandContext, FailedQuietly, folderSettings, UsageError } from "./command-context.ts";
import { ControlClient } from "./control-client.ts";
import { examples } from "./examples.ts";
import { printFindings } from "./findings.ts";
import { type Output, printJson } from "./output.ts";
import { settingsOfServer } from "./running-settings.ts";
import { addFolderOptions } from "./setting-options.ts";

/** Before it nobody wonders what takes so long. */
const patienceMs = 2000;

/** `dozo doctor`: what is wrong, why it matters, and what mends it. */
export function doctorCommand(context: CommandContext): Command {
  const command = new Command("doctor")
    .argument("[REGISTRY]", "HOST or HOST:PORT: the view of a client. Without it: the registry on this machine.")
    .description("Find what is wrong with the registry, or on the way to one, and say what mends it.");
  return addFolderOptions(command)
    .option("--user <NAME>", "Log in as this user and try an upload of 64 KiB.")
    .option("--password-stdin", "Read that user's password from standard input.")
    .option("--large-upload", "Try an upload of 128 MiB too.")
    .option("--ca <FILE>", "The registry's CA certificate, where this machine does not trust it yet.")
    .option("--verbose", "List what is right, too.")
    .option("--json", "Print JSON.")
    .addHelpText(
      "before",
      examples(
        "sudo dozo doctor",
        "dozo doctor registry.example.com:5000",
        "dozo doctor registry.example.com --user maria --password-stdin < password",
      ),
    )
    .action((registry: string | undefined, options: DoctorOptions) =>
      registry === undefined ? doctorHere(context, options) : doctorThere(context, registry, options),
    );
}

interface DoctorOptions {
  readonly data?: string;
  readonly config?: string;
  readonly user?: string;
  readonly passwordStdin?: true;
  readonly largeUpload?: true;
  readonly ca?: string;
  readonly verbose?: true;
  readonly json?: true;
}

/** The registry of a data folder on this machine. */
async function doctorHere(context: CommandContext, options: DoctorOptions): Promise<void> {
  const folder = resolve(folderSettings(context, { ...options }).data);
  const server = await findServer(folder);
  const { settings } = settingsOfServer(context, { data: folder, config: options.config }, server?.pid);
  const port = rememberedPort(folder);
  const login = await readLogin(context, options);
  const progress = showProgress(context.output);
  const examinations = await examineServer({
    // What the first start chose counts where nobody named a listener.
    settings: settings.listen[0] === defaultListener && port !== undefined ? atPort(settings, port) : settings,
    machine: thisMachine(context.environment),
    server,
    login,
    tryLarge: options.largeUpload === true,
    onStep: progress.step,
  }).finally(progress.end);
  report(context.output, examinations, { ...options, subject: folder });
}

function atPort(settings: Settings, port: number): Settings {
  const [first] = settings.listen;
  const host = first !== undefined && "host" in first.address ? first.address.host : "0.0.0.0";
  return { ...settings, listen: [{ address: { host, port }, tls: "own" }] };
}

/** A socket that this user may not use is a finding's matter, too: the folder is closed then. */
async function findServer(folder: string): Promise<RunningServer | undefined> {
  const server = new ControlClient(findControlSocket(folder));
  const isThere = await server.answers().catch(() => false);
  if (!isThere) return undefined;
  const { pid, address, tls } = (await server.call("GET", "/status")) as RegistryStatus;
  return { pid, address: tls === "off" ? undefined : address };
}

/** A registry anywhere, as a client of this machine meets it. */
async function doctorThere(context: CommandContext, registry: string, options: DoctorOptions): Promise<void> {
  const reference = parseRegistryReference(registry);
  if (typeof reference === "string")
    throw new UsageError(`${registry}: ${reference}`, "dozo doctor registry.example.com:5000");
  const login = await readLogin(context, options);
  const progress = showProgress(context.output);
  const examinations = await examineRegistry({
    reference,
    machine: thisMachine(context.environment),
    trusted: options.ca === undefined ? [] : [readCa(options.ca)],
    login,
    tryLarge: options.largeUpload === true,
    skipsClients: false,
    onStep: progress.step,
  }).finally(progress.end);
  report(context.output, examinations, { ...options, subject: registry });
}

async function readLogin(context: CommandContext, options: DoctorOptions): Promise<RegistryVisit["login"]> {
  const { user, passwordStdin, largeUpload } = options;
  if ((user === undefined) !== (passwordStdin === undefined))
    throw new UsageError(
      "--user and --password-stdin belong together",
      "dozo doctor REGISTRY --user NAME --password-stdin",
    );
  if (user === undefined) {
    if (largeUpload === true)
      throw new UsageError(
        "an upload needs a login",
        "dozo doctor REGISTRY --large-upload --user NAME --password-stdin",
      );
    return undefined;
  }
  return { user, password: (await context.readInput()).replace(/\r?\n$/, "") };
}

function readCa(file: string): X509Certificate {
  try {
    return new X509Certificate(readFileSync(file));
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? "it is no certificate";
    throw new ExplainedError(`${file} cannot be read (${why})`, "on the server: dozo ca show --pem > ca.crt", error);
  }
}

/** Says what is being waited for, once it takes long, and only to somebody who reads along. */
function showProgress(output: Output): { readonly step: (step: string) => void; readonly end: () => void } {
  let current = "";
  const timer = setInterval(() => {
    if (output.isTerminal) output.note(`${current} …`);
  }, patienceMs);
  return { step: (step) => (current = step), end: () => clearInterval(timer) };
}

interface ReportOptions {
  readonly subject: string;
  readonly verbose?: true;
  readonly json?: true;
}

/** Prints what was found. Throws `FailedQuietly` where an error is among it. */
function report(output: Output, examinations: readonly Examination[], options: ReportOptions): void {
  const findings = unique(examinations.flatMap((each) => each.findings));
  const errors = findings.filter(({ severity }) => severity === "error");
  if (options.json === true) {
    const looked = examinations.map(({ subject, seen, findings: own }) => ({
      subject,
      seen,
      findings: own.map(({ id }) => id),
    }));
    printJson(output, { subject: options.subject, isHealthy: errors.length === 0, findings, examinations: looked });
  } else {
    if (options.verbose === true) for (const line of [...fineLines(examinations), ""]) output.print(line);
    printFindings(output, findings);
    if (findings.length > 0) output.print("");
    output.print(summary(options.subject, findings.length, errors.length));
  }
  if (errors.length > 0) throw new FailedQuietly();
}

function unique(findings: readonly Finding[]): readonly Finding[] {
  const byText = new Map(findings.map((finding) => [`${finding.id} ${finding.what}`, finding]));
  return [...byText.values()].toSorted((left, right) => rank(left) - rank(right));
}

function rank({ severity }: Finding): number {
  return severity === "error" ? 0 : 1;
}

function fineLines(examinations: readonly Examination[]): readonly string[] {
  const right = examinations.filter(({ findings }) => findings.length === 0);
  const width = Math.max(0, ...right.map(({ subject }) => subject.length));
  return right.map(({ subject, seen }) => `fine: ${subject.padEnd(width)}  ${seen}`);
}

function summary(subject: string, findings: number, errors: number): string {
  if (findings === 0) return `${subject}: nothing wrong was found`;
  const warnings = findings - errors;
  return `${subject}: ${count(errors, "error")}, ${count(warnings, "warning")}`;
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
}
