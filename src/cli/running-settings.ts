import { readFileSync } from "node:fs";
import { Command } from "commander";
import type { LoadedSettings } from "../config/load.ts";
import { type CommandContext, settingsFor } from "./command-context.ts";
import { addSettingOptions } from "./setting-options.ts";

/**
 * The settings that a running server was started with, its flags and environment included, as far as this user may see them
 * (proc(5)); else those of this command's own flags, environment and file.
 */
export function settingsOfServer(
  context: CommandContext,
  options: Readonly<Record<string, unknown>>,
  pid: number | undefined,
): LoadedSettings {
  const own = settingsFor(context, options);
  if (pid === undefined) return own;
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    const at = words.findIndex((word) => word === "up" || word === "serve");
    if (at < 0) return own;
    const environment = Object.fromEntries(
      readFileSync(`/proc/${pid}/environ`, "utf8")
        .split("\0")
        .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
    const command = addSettingOptions(new Command(), context).exitOverride().allowUnknownOption();
    command.configureOutput({ writeErr: () => undefined }).parseOptions(words.slice(at + 1));
    const flags = { ...command.opts<Record<string, unknown>>(), data: own.settings.data };
    return settingsFor({ ...context, environment }, flags);
  } catch {
    return own;
  }
}
