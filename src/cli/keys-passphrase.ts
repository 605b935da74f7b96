import { readFile } from "node:fs/promises";
import { leastPassphraseLength } from "../backup/sealed-keys.ts";
import { ExplainedError } from "../process/explained-error.ts";
import { UsageError } from "./command-context.ts";

/** The passphrase in the file that `--keys-passphrase-file` names: its one line. Undefined without the flag. */
export async function readPassphrase(options: Readonly<Record<string, unknown>>): Promise<string | undefined> {
  const file = options["keysPassphraseFile"];
  if (typeof file !== "string") return undefined;
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new ExplainedError(
      `the file with the passphrase ${file} cannot be read (${error.code ?? error.message})`,
      `make one: (umask 077; openssl rand -base64 24 > ${file}), and keep a copy of it elsewhere`,
      error,
    );
  });
  const passphrase = text.replace(/\r?\n$/, "");
  if (passphrase.length >= leastPassphraseLength && !/[\r\n]/.test(passphrase)) return passphrase;
  throw new UsageError(
    `${file} has to hold one line of at least ${leastPassphraseLength} characters`,
    `make one: (umask 077; openssl rand -base64 24 > ${file})`,
  );
}
