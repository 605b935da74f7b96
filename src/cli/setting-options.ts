import { type Command, Option } from "commander";
import { type SettingDescription, settingTable } from "../config/setting-table.ts";

/** Adds `--config` and the flags of all settings; each arrives under the setting's key. */
export function addSettingOptions(command: Command): Command {
  return addOptions(command, settingTable);
}

/** Adds what commands need that only look for the data folder. */
export function addFolderOptions(command: Command): Command {
  return addOptions(
    command,
    settingTable.filter(({ key }) => key === "data"),
  );
}

function addOptions(command: Command, settings: readonly SettingDescription[]): Command {
  command.option("--config <FILE>", "The settings file (YAML). (default: dozo/dozo.yaml in the configuration folder)");
  for (const setting of settings) command.addOption(optionFor(setting));
  return command;
}

function optionFor(setting: SettingDescription): Option {
  const text = `${setting.description} (default: ${setting.defaultText.replaceAll("`", "")})`;
  const option = new KeyedOption(setting, text);
  if (setting.key.startsWith("limits.")) option.helpGroup("Limits:");
  if (setting.kind === "list") {
    option.argParser((value: string, previous: readonly string[] | undefined) => [
      ...(previous ?? []),
      ...split(value),
    ]);
  }
  return option;
}

/** Commander would call `--limits-blob-bytes` limitsBlobBytes; the settings call it limits.blobBytes. */
class KeyedOption extends Option {
  readonly #key: string;

  constructor(setting: SettingDescription, description: string) {
    // A switch that is on by default needs a way to be switched off: it takes true or false.
    const takesValue = setting.kind !== "switch" || setting.key !== "insecurePlainHttp";
    const placeholder = setting.kind === "switch" ? "true|false" : setting.placeholder;
    super(takesValue ? `--${setting.flag} <${placeholder}>` : `--${setting.flag}`, description);
    this.#key = setting.key;
  }

  override attributeName(): string {
    return this.#key;
  }
}

function split(value: string): readonly string[] {
  return value.split(",").map((part) => part.trim());
}
