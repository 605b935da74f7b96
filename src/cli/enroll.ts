import { Command } from "commander";
import { type RegistryIdentity, registryIdentity } from "../enrolment/identity.ts";
import { enrolmentLine } from "../enrolment/line.ts";
import { powershellLine } from "../enrolment/powershell.ts";
import { enrolmentScript } from "../enrolment/script.ts";
import { describeCertificate, plainFingerprint } from "../pki/certificate.ts";
import { ExplainedError } from "../process/explained-error.ts";
import { readTrust } from "../pki/open.ts";
import { PkiFolder } from "../process/pki-folder.ts";
import { onRegistry } from "./administration.ts";
import type { MetTls } from "./banner.ts";
import { type CommandContext, folderSettings } from "./command-context.ts";
import { enrollKubernetesCommand } from "./enroll-kubernetes.ts";
import { examples } from "./examples.ts";
import { printJson } from "./output.ts";
import { addFolderOptions } from "./setting-options.ts";

/** `dozo enroll`: what to paste on the machines that push and pull. */
export function enrollCommand(context: CommandContext): Command {
  const help = examples(
    "dozo enroll",
    "dozo enroll kubernetes | kubectl apply -f -",
    "dozo enroll --script | ssh build-1 sudo sh -s -- --no-login",
  );
  const kubernetes = enrollKubernetesCommand(context, (options) => findIdentity(context, options));
  return addFolderOptions(new Command("enroll"))
    .enablePositionalOptions()
    .addCommand(kubernetes)
    .description("Print the line that makes a machine trust the registry and log in.")
    .option("--script", "Print the script that the line fetches, for machines without curl or without a way here.")
    .option("--json", "Print JSON.")
    .addHelpText("before", help)
    .addHelpText(
      "after",
      "\nBehind the line: --dry-run shows every file it would write, --check finds what is wrong, --undo takes all of it back.",
    )
    .action((options: Readonly<Record<string, unknown>>) => enroll(context, options));
}

/**
 * What clients have to know of a registry that is served like this; undefined where nothing speaks TLS. dozo's own authority is
 * named only where clients meet a certificate of it.
 */
export function identityAt(
  registry: string,
  tls: MetTls,
  own: { readonly trustPem: string; readonly certificatePem: string },
): RegistryIdentity | undefined {
  if (tls === "off") return undefined;
  const { trustPem: caPem, certificatePem } = tls === "own" ? own : { trustPem: undefined, certificatePem: undefined };
  return registryIdentity({ registry, caPem, certificatePem });
}

async function enroll(context: CommandContext, options: Readonly<Record<string, unknown>>): Promise<void> {
  const identity = await findIdentity(context, options);
  const { script, json } = options;
  const { output } = context;
  const { registry, caPem } = identity;
  const line = enrolmentLine(identity);
  const fingerprint = caPem === undefined ? undefined : plainFingerprint(describeCertificate(caPem).fingerprint);
  if (json === true) {
    printJson(output, { ...identity, fingerprint, lines: { sh: line, powershell: powershellLine(identity) } });
  } else if (script === true) {
    output.print(enrolmentScript(identity).trimEnd());
  } else {
    if (fingerprint !== undefined) output.print(`CA fingerprint (SHA-256): ${fingerprint}`);
    output.print(
      "Linux, macOS, FreeBSD, WSL: Docker, podman, containerd, Kubernetes nodes, desktops (--dry-run behind it shows all):",
    );
    output.print(`  ${line}`);
    output.print("Windows, in PowerShell: Docker Desktop, Docker Engine (-DryRun behind it shows all):");
    output.print(`  ${powershellLine(identity)}`);
    output.print(`Clients that trust ${registry} already:`);
    output.print(`  docker login ${registry}`);
  }
}

/** As the running server has it. */
async function findIdentity(
  context: CommandContext,
  options: Readonly<Record<string, unknown>>,
): Promise<RegistryIdentity> {
  const { address, tls } = await onRegistry(context, options, (administration) => administration.status());
  if (address === undefined || tls === undefined)
    throw new ExplainedError("no server runs, so its address is not known", "dozo up starts it");
  if (tls === "off")
    throw new ExplainedError(`${address} is served without TLS: there is nothing to trust`, `docker login ${address}`);
  const files = new PkiFolder(`${folderSettings(context, options).data}/pki`);
  const trustPem = (await readTrust(files)) ?? "";
  const certificatePem = (await files.read("server.crt")) ?? "";
  const identity = identityAt(address, tls, { trustPem, certificatePem });
  if (identity === undefined) throw new Error("the identity of a registry with TLS is missing");
  return identity;
}
