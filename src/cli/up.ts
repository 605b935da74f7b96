import { Command } from "commander";
import { type CommandContext, settingsFor } from "./command-context.ts";
import { examples } from "./examples.ts";
import { readPassword } from "./password.ts";
import { runServer } from "./server.ts";
import { addSettingOptions } from "./setting-options.ts";

/** `dozo up`: from nothing to a registry that serves. */
export function upCommand(context: CommandContext): Command {
  return addSettingOptions(new Command("up"), context)
    .description("Make what is missing (folder, certificates, first user) and serve.")
    .option("--password-stdin", "Read the first user's password from standard input instead of making one.")
    .addHelpText(
      "before",
      examples(
        "dozo up",
        "dozo up --host registry.example.com --listen 0.0.0.0:443",
        "printf '%s' SECRET | dozo up --user maria --password-stdin",
      ),
    )
    .action(async ({ passwordStdin, ...options }: Readonly<Record<string, unknown>>) => {
      const loaded = settingsFor(context, options);
      const password = passwordStdin === true ? await readPassword(context) : undefined;
      await runServer(context, { loaded, isFirstRunAllowed: true, password });
    });
}
