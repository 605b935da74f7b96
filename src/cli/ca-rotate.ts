import { Command } from "commander";
import type {
  AuthorityRotation,
  CertificateAdministration,
  RotationClient,
} from "../core/certificate-administration.ts";
import { plainFingerprint } from "../pki/certificate.ts";
import { onCertificates } from "./administration.ts";
import { type CommandContext, UsageError } from "./command-context.ts";
import { examples } from "./examples.ts";
import { formatDay, isoDate, type Output, printJson, printTable } from "./output.ts";
import { addFolderOptions } from "./setting-options.ts";

type Options = Readonly<Record<string, unknown>>;

/** `dozo ca rotate`: another authority, first announced beside the old one, then in its place. */
export function caRotateCommand(context: CommandContext): Command {
  return addFolderOptions(new Command("rotate"))
    .description("Announce a new certificate authority for 30 days beside the old one, then serve it.")
    .option("--host <NAME>", "A name or address that the new one may certify, too. Repeatable.", collect)
    .option("--suffix <DOMAIN>", "A domain that the new one may speak for, too. Repeatable.", collect)
    .option("--finish", "Serve a certificate of the new one. Names those who have not fetched the new root.")
    .option("--force", "With --finish: even so, and before the 30 days are over.")
    .option("--cancel", "Take the announcement back.")
    .option("--json", "Print JSON.")
    .addHelpText(
      "before",
      examples(
        "dozo ca rotate",
        "dozo ca rotate --host registry.example.org",
        "dozo ca show",
        "dozo ca rotate --finish",
      ),
    )
    .addHelpText("after", `\n${explanation}`)
    .action((options: Options) => rotate(context, options));
}

const explanation = `While it is announced, /ca.crt and enrolment give both roots; what is served stays the same. No old key can
vouch for a new root, so each machine has to fetch it: run the line of dozo enroll there again. dozo sees from
which addresses that was done, and from which the registry is used; not whether a root was really installed,
and not how many machines stand behind one address.`;

async function rotate(context: CommandContext, options: Options): Promise<void> {
  const { finish, force, cancel, host, suffix } = options;
  if (finish === true && cancel === true)
    throw new UsageError("--finish and --cancel exclude each other", "dozo ca rotate --finish");
  if (force === true && finish !== true) throw new UsageError("--force belongs to --finish", "dozo ca rotate --finish");
  const request = { names: list(host), suffixes: list(suffix) };
  await onCertificates(context, options, async (certificates) => {
    if (finish === true) await finishRotation(context.output, certificates, options);
    else if (cancel === true) await cancelRotation(context.output, certificates, options);
    else showRotation(context.output, await certificates.announceAuthority(request), options);
  });
}

async function finishRotation(
  output: Output,
  certificates: CertificateAdministration,
  options: Options,
): Promise<void> {
  const { fingerprint, names, notAfter } = await certificates.finishRotation(options["force"] === true);
  const sha256 = plainFingerprint(fingerprint);
  if (options["json"] === true) printJson(output, { fingerprint: sha256, names, notAfter: isoDate(notAfter) });
  else output.print("the new authority signs from now on, and its root alone is given to clients: dozo ca show");
}

async function cancelRotation(
  output: Output,
  certificates: CertificateAdministration,
  options: Options,
): Promise<void> {
  await certificates.cancelRotation();
  if (options["json"] === true) printJson(output, { isCancelled: true });
  else output.print("the announcement is taken back; the authority stays the one that clients know");
}

function showRotation(output: Output, rotation: AuthorityRotation, options: Options): void {
  if (options["json"] === true) printJson(output, jsonRotation(rotation));
  else for (const line of rotationLines(rotation)) output.print(line);
}

/** As `--json` has it. */
export function jsonRotation({ fingerprint, announcedAt, finishableAt, clients }: AuthorityRotation): object {
  return {
    fingerprint: plainFingerprint(fingerprint),
    announcedAt: isoDate(announcedAt),
    finishableAt: isoDate(finishableAt),
    clients: clients.map(({ usedAt, fetchedAt, ...client }) => ({
      ...client,
      usedAt: usedAt === undefined ? undefined : isoDate(usedAt),
      fetchedAt: fetchedAt === undefined ? undefined : isoDate(fetchedAt),
    })),
  };
}

/** A few lines for a person. */
export function rotationLines({ fingerprint, announcedAt, finishableAt }: AuthorityRotation): readonly string[] {
  return [
    `announced    ${formatDay(announcedAt)}, beside the one that is served`,
    `SHA-256      ${plainFingerprint(fingerprint)}`,
    `finish       on ${formatDay(finishableAt)} with: dozo ca rotate --finish`,
    "clients      have to fetch it, each machine once, with the line of: dozo enroll",
  ];
}

function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

const mostShown = 15;

/** Who uses the registry, and whether the new root was fetched from there: those first from where it was not. */
export function printRotationClients(output: Output, clients: readonly RotationClient[]): void {
  if (clients.length === 0) return;
  const inOrder = clients.toSorted(
    (one, other) => Number(one.fetchedAt !== undefined) - Number(other.fetchedAt !== undefined),
  );
  const rows = inOrder
    .slice(0, mostShown)
    .map(({ address, users, usedAt, fetchedAt }) => [
      address,
      fetchedAt === undefined ? "not yet" : formatDay(fetchedAt),
      usedAt === undefined ? "never" : formatDay(usedAt),
      users.slice(0, 4).join(", "),
    ]);
  printTable(output, ["ADDRESS", "FETCHED", "USED", "USERS"], rows);
  if (clients.length > mostShown) output.print(`and ${clients.length - mostShown} more: dozo ca show --json`);
}

function list(value: unknown): readonly string[] {
  return Array.isArray(value) ? (value as readonly string[]) : [];
}
