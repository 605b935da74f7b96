import { Command } from "commander";
import { type CommandContext, settingsFor } from "./command-context.ts";
import { examples } from "./examples.ts";
import { runServer } from "./server.ts";
import { addSettingOptions } from "./setting-options.ts";

/** `dozo serve`: what `up` does from the second time on, for service managers. */
export function serveCommand(context: CommandContext): Command {
  return addSettingOptions(new Command("serve"), context)
    .description("Serve what dozo up has made; an empty folder is an error.")
    .addHelpText("before", examples("dozo serve", "dozo serve --data /srv/dozo --listen unix:/run/dozo.sock"))
    .action(async (options: Readonly<Record<string, unknown>>) => {
      await runServer(context, {
        loaded: settingsFor(context, options),
        isFirstRunAllowed: false,
        password: undefined,
      });
    });
}
