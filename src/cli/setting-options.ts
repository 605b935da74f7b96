import { type Command, Option } from "commander";
import type { CommandContext } from "./command-context.ts";
import { type SettingDescription, settingTable } from "../config/setting-table.ts";

/** What most people need; the help of the others is shown when it is asked for. */
const usual: readonly string[] = ["data", "listen", "hosts", "user", "htpasswd"];

/** These say how the first start makes things. */
const firstStart: readonly string[] = ["user", "suffixes"];

/** Switches that nobody has to switch off again. */
const bareSwitches: readonly string[] = ["insecurePlainHttp", "acme.acceptTerms"];

/** Adds `--config` and the flags of all settings; each arrives under the setting's key. */
export function addSettingOptions(
  command: Command,
  { showsAllSettings }: Pick<CommandContext, "showsAllSettings">,
): Command {
  addOptions(command, settingTable, (key) => {
    if (command.name() === "serve" && firstStart.includes(key)) return false;
    return showsAllSettings || usual.includes(key);
  });
  const more = "Every setting is a flag; all of them: add --all to --help, or see docs/reference/settings.md.";
  return showsAllSettings ? command : command.addHelpText("after", `\n${more}`);
}

/** Adds what commands need that only look for the data folder. */
export function addFolderOptions(command: Command): Command {
  return addOptions(
    command,
    settingTable.filter(({ key }) => key === "data"),
    () => true,
  );
}

function addOptions(
  command: Command,
  settings: readonly SettingDescription[],
  isShown: (key: string) => boolean,
): Command {
  command.option("--config <FILE>", "The settings file (YAML). (default: dozo/dozo.yaml in the configuration folder)");
  for (const setting of settings) command.addOption(optionFor(setting).hideHelp(!isShown(setting.key)));
  return command;
}

function optionFor(setting: SettingDescription): Option {
  const values = setting.kind === "text" && setting.accepted !== undefined ? ` One of ${setting.accepted}.` : "";
  const text = `${setting.description}${values} (default: ${setting.defaultText.replaceAll("`", "")})`;
  const option = new KeyedOption(setting, text);
  if (setting.key.startsWith("limits.")) option.helpGroup("Limits:");
  if (setting.key.startsWith("acme.")) option.helpGroup("Public certificate by ACME:");
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
    const takesValue = setting.kind !== "switch" || !bareSwitches.includes(setting.key);
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
