import { Command } from "commander";
import type { CommandContext } from "./command-context.ts";
import { examples } from "./examples.ts";
import { printJson } from "./output.ts";

/** `dozo version`. */
export function versionCommand(context: CommandContext): Command {
  return new Command("version")
    .description("Print the version.")
    .option("--json", "Print JSON.")
    .addHelpText("before", examples("dozo version", "dozo version --json"))
    .action((options: { readonly json?: boolean }) => {
      const { version, output } = context;
      const runtime = `Bun ${Bun.version}`;
      if (options.json === true) printJson(output, { version, runtime });
      else output.print(`dozo ${version} (${runtime})`);
    });
}
