import { closeSync, constants, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { resolve } from "node:path";
import { Command } from "commander";
import { describeCertificate, plainFingerprint } from "../pki/certificate.ts";
import { exportAuthority, shortestPassphrase } from "../pki/export.ts";
import { openDataFolder } from "../process/data-folder.ts";
import { ExplainedError } from "../process/explained-error.ts";
import { PkiFolder } from "../process/pki-folder.ts";
import { type CommandContext, folderSettings } from "./command-context.ts";
import { examples } from "./examples.ts";
import { printJson } from "./output.ts";
import { addFolderOptions } from "./setting-options.ts";

type Options = Readonly<Record<string, unknown>>;

/** `dozo ca export`: the root in a file; the key only with a passphrase. */
export function caExportCommand(context: CommandContext): Command {
  return addFolderOptions(new Command("export"))
    .description("Write the certificate that clients have to trust to a new file.")
    .argument("<FILE>")
    .option(
      "--passphrase-file <FILE>",
      "Also write the authority itself, its key encrypted with this file's first line.",
    )
    .option("--json", "Print JSON.")
    .addHelpText(
      "before",
      examples(
        "dozo ca export registry-ca.crt",
        "umask 77; openssl rand -base64 30 > PASSPHRASE; dozo ca export backup.pem --passphrase-file PASSPHRASE",
      ),
    )
    .addHelpText(
      "after",
      "\nWhat a passphrase file brings along, with the file's key: openssl pkey -in backup.pem -passin file:PASSPHRASE" +
        "\nWhoever has both can speak for every name that the authority may certify. Keep them apart.",
    )
    .action((file: string, options: Options) => exportCa(context, file, options));
}

async function exportCa(context: CommandContext, name: string, options: Options): Promise<void> {
  const { output } = context;
  const { json, passphraseFile } = options;
  const { data } = folderSettings(context, options);
  const passphrase = typeof passphraseFile === "string" ? readPassphrase(passphraseFile) : undefined;
  const file = resolve(name);
  // Before root becomes the folder's owner, who may not be allowed to write here.
  const descriptor = createFile(file, passphrase === undefined ? 0o644 : 0o600);
  let pem: string | undefined;
  try {
    openDataFolder(data);
    pem = await exportAuthority(new PkiFolder(`${data}/pki`), passphrase);
    writeSync(descriptor, pem ?? "");
  } finally {
    closeSync(descriptor);
  }
  if (pem === undefined)
    throw new ExplainedError(`there is no certificate authority in ${data} yet; ${file} is empty`, "dozo up makes one");
  const sha256 = plainFingerprint(describeCertificate(pem).fingerprint);
  if (json === true) printJson(output, { file, fingerprint: sha256, hasKey: passphrase !== undefined });
  else
    output.print(
      `wrote ${file} (${passphrase === undefined ? "no key in it" : "with the encrypted key"}; SHA-256 ${sha256})`,
    );
}

function createFile(file: string, mode: number): number {
  try {
    return openSync(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
    const isThere = code === "EEXIST";
    throw new ExplainedError(
      `${file} cannot be made (${code})`,
      isThere ? "choose a name that is not taken: dozo ca export FILE" : "choose a folder in which you may write",
      error,
    );
  }
}

function readPassphrase(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, "utf8").split("\n", 1)[0] ?? "";
    if ((statSync(file).mode & 0o077) !== 0)
      throw new ExplainedError(`others may read the passphrase in ${file}`, `chmod 600 ${file}`);
  } catch (error) {
    if (error instanceof ExplainedError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
    throw new ExplainedError(`the passphrase file ${file} cannot be read (${code})`, `ls -l ${file}`, error);
  }
  if (text.length >= shortestPassphrase) return text;
  throw new ExplainedError(
    `the passphrase in ${file} has less than ${shortestPassphrase} characters`,
    "make one that nobody guesses: openssl rand -base64 30",
  );
}
