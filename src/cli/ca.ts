import { Command } from "commander";
import { describeCertificate, plainFingerprint } from "../pki/certificate.ts";
import { readRootCertificate } from "../pki/open.ts";
import { openDataFolder } from "../process/data-folder.ts";
import { ExplainedError } from "../process/explained-error.ts";
import { PkiFolder } from "../process/pki-folder.ts";
import { type CommandContext, settingsFor } from "./command-context.ts";
import { examples } from "./examples.ts";
import { formatDay, isoDate, printJson } from "./output.ts";
import { addFolderOptions } from "./setting-options.ts";

/** `dozo ca`: the certificate that clients trust. Reads files only, so it does not matter whether the server runs. */
export function caCommand(context: CommandContext): Command {
  const ca = new Command("ca").description("Show the certificate authority.");
  ca.addHelpText("before", examples("dozo ca show", "dozo ca show --pem > ca.crt"));
  ca.addCommand(
    addFolderOptions(new Command("show"))
      .description("Show the certificate that clients have to trust, and its fingerprint.")
      .option("--pem", "Print the certificate alone.")
      .option("--json", "Print JSON.")
      .addHelpText("before", examples("dozo ca show", "dozo ca show --pem > ca.crt"))
      .action((options: Readonly<Record<string, unknown>>) => showCa(context, options)),
  );
  return ca;
}

async function showCa(
  context: CommandContext,
  { pem, json, ...options }: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { data } = settingsFor(context, options).settings;
  openDataFolder(data);
  const certificatePem = await readRootCertificate(new PkiFolder(`${data}/pki`));
  if (certificatePem === undefined)
    throw new ExplainedError(`there is no certificate authority in ${data} yet`, "dozo up makes one");
  const { subject, fingerprint, notAfter } = describeCertificate(certificatePem);
  const { output } = context;
  if (pem === true) {
    output.print(certificatePem.trimEnd());
  } else if (json === true) {
    printJson(output, { subject, fingerprint, endsAt: isoDate(notAfter), pem: certificatePem });
  } else {
    output.print(`subject      ${subject}`);
    output.print(`SHA-256      ${plainFingerprint(fingerprint)}`);
    output.print(`valid until  ${formatDay(notAfter)}`);
    output.print(`file         ${data}/pki/root.crt`);
  }
}
