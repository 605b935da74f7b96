import { Command } from "commander";
import { describeCertificate, plainFingerprint } from "../pki/certificate.ts";
import { readTrust } from "../pki/open.ts";
import { openDataFolder } from "../process/data-folder.ts";
import { ExplainedError } from "../process/explained-error.ts";
import { PkiFolder } from "../process/pki-folder.ts";
import { onCertificates } from "./administration.ts";
import { caExportCommand } from "./ca-export.ts";
import { caRotateCommand, jsonRotation, printRotationClients, rotationLines } from "./ca-rotate.ts";
import { type CommandContext, folderSettings } from "./command-context.ts";
import { examples } from "./examples.ts";
import { formatDay, isoDate, printJson } from "./output.ts";
import { addFolderOptions } from "./setting-options.ts";

/** `dozo ca`: the certificate that clients trust, while the server runs and while it does not. */
export function caCommand(context: CommandContext): Command {
  const ca = new Command("ca").description("Show, export and replace the certificate authority.");
  ca.addHelpText("before", examples("dozo ca show", "dozo ca export registry-ca.crt", "dozo ca rotate"));
  ca.addCommand(
    addFolderOptions(new Command("show"))
      .description("Show the certificate that clients have to trust, its fingerprint, and one that is announced.")
      .option("--pem", "Print what clients have to trust alone.")
      .option("--json", "Print JSON.")
      .addHelpText("before", examples("dozo ca show", "dozo ca show --pem > ca.crt"))
      .action((options: Readonly<Record<string, unknown>>) => showCa(context, options)),
  );
  ca.addCommand(caExportCommand(context));
  ca.addCommand(caRotateCommand(context));
  return ca;
}

async function showCa(context: CommandContext, options: Readonly<Record<string, unknown>>): Promise<void> {
  const { pem, json } = options;
  const { data } = folderSettings(context, options);
  openDataFolder(data);
  const trustPem = await readTrust(new PkiFolder(`${data}/pki`));
  if (trustPem === undefined)
    throw new ExplainedError(`there is no certificate authority in ${data} yet`, "dozo up makes one");
  const { output } = context;
  if (pem === true) {
    output.print(trustPem.trimEnd());
    return;
  }
  const { subject, fingerprint, notAfter } = describeCertificate(trustPem);
  const rotation = await onCertificates(context, options, (certificates) => certificates.rotation());
  if (json === true) {
    const announced = rotation === undefined ? {} : { rotation: jsonRotation(rotation) };
    printJson(output, {
      subject,
      fingerprint: plainFingerprint(fingerprint),
      endsAt: isoDate(notAfter),
      pem: trustPem,
      ...announced,
    });
    return;
  }
  output.print(`subject      ${subject}`);
  output.print(`SHA-256      ${plainFingerprint(fingerprint)}`);
  output.print(`valid until  ${formatDay(notAfter)}`);
  output.print(`file         ${data}/pki/root.crt`);
  if (rotation === undefined) return;
  output.print("");
  for (const line of rotationLines(rotation)) output.print(line);
  printRotationClients(output, rotation.clients);
}
