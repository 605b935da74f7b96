import { type LoadedSettings, loadSettings, type SettingsSources } from "../config/load.ts";
import type { Settings } from "../config/settings.ts";
import type { Output } from "./output.ts";

/** What every command gets from the process that it runs in. */
export interface CommandContext {
  readonly output: Output;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  readonly version: string;
  /** Help texts show the flags of all settings, not only of the usual ones. */
  readonly showsAllSettings: boolean;
  /** All of standard input. */
  readonly readInput: () => Promise<string>;
}

/** The way a command was used is wrong: exit code 2. */
export class UsageError extends Error {
  readonly remedy: string;

  constructor(message: string, remedy: string) {
    super(message);
    this.name = "UsageError";
    this.remedy = remedy;
  }
}

/** The settings as the command's flags, the environment and the file have them. */
export function settingsFor(context: CommandContext, options: Readonly<Record<string, unknown>>): LoadedSettings {
  const { config, ...flags } = options;
  return loadSettings({
    flags: flags as SettingsSources["flags"],
    environment: context.environment,
    uid: context.uid,
    configFile: typeof config === "string" ? config : undefined,
  });
}

/** The settings for a command with `addFolderOptions`, whose other flags are none of them. */
export function folderSettings(context: CommandContext, options: Readonly<Record<string, unknown>>): Settings {
  const { data, config } = options;
  return settingsFor(context, { data, config }).settings;
}

/** The command has said all that there is to say, and failed: exit code 1, without another word. */
export class FailedQuietly extends Error {}
