import { Command } from "commander";
import type { ClientCertificateSummary } from "../core/administration.ts";
import { onRegistry } from "./administration.ts";
import type { CommandContext } from "./command-context.ts";
import { examples } from "./examples.ts";
import { formatDay, isoDate, printJson, printTable } from "./output.ts";
import { addFolderOptions } from "./setting-options.ts";

const words: Readonly<Record<ClientCertificateSummary["state"], string>> = {
  valid: "valid",
  ended: "ended",
  revoked: "revoked",
  "user-removed": "refused: its user was removed",
};

/** `dozo cert list`: the client certificates, while the server runs and while it does not. */
export function certListCommand(context: CommandContext): Command {
  return addFolderOptions(new Command("list"))
    .description("List the client certificates that hold; all that were ever issued with --all.")
    .option("--all", "Also those that have ended, were revoked or lost their user.")
    .option("--json", "Print JSON.")
    .addHelpText("before", examples("dozo cert list", "dozo cert list --all --json"))
    .action((options: Readonly<Record<string, unknown>>) => listCertificates(context, options));
}

async function listCertificates(context: CommandContext, options: Readonly<Record<string, unknown>>): Promise<void> {
  const { all, json } = options;
  const issued = await onRegistry(context, options, (administration) => administration.listClientCertificates());
  const shown = issued.filter(({ state }) => all === true || state === "valid");
  if (json === true) {
    const dated = shown.map(({ issuedAt, endsAt, ...rest }) => ({
      ...rest,
      issuedAt: isoDate(issuedAt),
      endsAt: isoDate(endsAt),
    }));
    printJson(context.output, dated);
    return;
  }
  const rows = shown.map(({ serial, userName, endsAt, state }) => [serial, userName, formatDay(endsAt), words[state]]);
  printTable(context.output, ["SERIAL", "USER", "UNTIL", "STATE"], rows);
}
