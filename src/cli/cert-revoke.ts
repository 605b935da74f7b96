import { Command } from "commander";
import type { CertificateSelection } from "../core/administration.ts";
import { onRegistry } from "./administration.ts";
import { type CommandContext, UsageError } from "./command-context.ts";
import { examples } from "./examples.ts";
import { printJson } from "./output.ts";
import { addFolderOptions } from "./setting-options.ts";

type Options = Readonly<Record<string, unknown>>;

/** `dozo cert revoke`: from now on these client certificates are refused. */
export function certRevokeCommand(context: CommandContext): Command {
  return addFolderOptions(new Command("revoke"))
    .description("Refuse a client certificate from now on, on open connections too.")
    .argument("[SERIAL]")
    .option("--client <NAME>", "All certificates of this user.")
    .option("--json", "Print JSON.")
    .addHelpText("before", examples("dozo cert revoke 5f0c1e…", "dozo cert revoke --client maria"))
    .action((serial: string | undefined, options: Options) => revoke(context, serial, options));
}

async function revoke(context: CommandContext, serial: string | undefined, options: Options): Promise<void> {
  const { client, json } = options;
  const which = selection(serial, client);
  const revoked = await onRegistry(context, options, (each) => each.revokeClientCertificates(which));
  if (json === true) printJson(context.output, { revoked });
  else for (const each of revoked) context.output.print(`revoked ${each}`);
}

/** A serial may be written as openssl shows it: `5F:0C:1E…`. */
function selection(serial: string | undefined, client: unknown): CertificateSelection {
  if (serial !== undefined && client === undefined)
    return { serial: serial.replaceAll(":", "").toLowerCase().replace(/^0x/, "") };
  if (typeof client === "string" && serial === undefined) return { userName: client };
  throw new UsageError("say which: a serial, or --client NAME", "dozo cert list shows all");
}
