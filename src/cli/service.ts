import { existsSync, readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { Command } from "commander";
import { settingTable } from "../config/setting-table.ts";
import type { Settings } from "../config/settings.ts";
import { ExplainedError } from "../process/explained-error.ts";
import { firstPasswordFile } from "../process/first-password.ts";
import { lockFolder } from "../process/folder-lock.ts";
import {
  installUnit,
  placeExecutable,
  prepareServiceUser,
  requireSystemd,
  type ServiceScope,
  serviceScope,
  serviceUser,
  systemExecutable,
  uninstallUnit,
  unitState,
} from "../process/systemd-service.ts";
import { unitText } from "../process/systemd-unit.ts";
import { type CommandContext, settingsFor } from "./command-context.ts";
import { examples } from "./examples.ts";
import { printJson } from "./output.ts";
import { addSettingOptions } from "./setting-options.ts";

type Options = Readonly<Record<string, unknown>>;

/** `dozo service`: a registry has to be there after a reboot. */
export function serviceCommand(context: CommandContext): Command {
  const service = new Command("service").description("Let systemd run dozo.");
  service.addHelpText("before", examples("sudo dozo service install", "dozo service status"));
  service.addCommand(
    addSettingOptions(new Command("install"), context)
      .description("Write and start the systemd unit: the machine's with sudo (never as root), else the user's own.")
      .option("--print", "Show the unit and do nothing.")
      .addHelpText(
        "before",
        examples(
          "sudo dozo service install",
          "sudo dozo service install --host registry.example.com",
          "dozo service install --print",
        ),
      )
      .action((options: Options) => install(context, options)),
  );
  service.addCommand(
    new Command("uninstall")
      .description("Stop the unit and remove it. The data folder stays.")
      .addHelpText("before", examples("sudo dozo service uninstall"))
      .action(() => {
        uninstallUnit(serviceScope(context.uid, context.environment), context.output.print);
      }),
  );
  service.addCommand(
    new Command("status")
      .description("Say whether the unit is installed and runs.")
      .option("--json", "Print JSON.")
      .addHelpText("before", examples("dozo service status", "dozo service status --json"))
      .action((options: Options) => {
        const where = serviceScope(context.uid, context.environment);
        const state = unitState(where);
        if (options["json"] === true) printJson(context.output, { scope: where.scope, ...state });
        else if (state.isInstalled) context.output.print(`${where.scope} unit: ${state.active}, ${state.enabled}`);
        else context.output.print(`no ${where.scope} unit is installed; dozo service install writes one`);
      }),
  );
  return service;
}

function install(context: CommandContext, { print, ...options }: Options): void {
  const { output, uid, environment } = context;
  const { settings } = settingsFor(context, options);
  const where = serviceScope(uid, environment);
  const command = serviceCommandLine(where, settings, options);
  const unit = unitText({
    scope: where.scope,
    command,
    dataFolder: resolve(settings.data),
    user: serviceUser,
    needsLowPort: needsLowPort(settings),
    stopGraceSeconds: settings.stopGraceSeconds,
  });
  if (print === true) {
    output.print(unit.trimEnd());
    output.note(`the program of the unit ${where.scope === "system" ? "will be" : "is"} ${command[0] ?? ""}`);
    return;
  }
  const other = otherFolder(where, environment);
  if (other !== undefined && other !== resolve(settings.data))
    output.print(`the service works on ${resolve(settings.data)}; the registry in ${other} is another one`);
  requireSystemd();
  if (where.scope === "system") prepareSystem(settings, output.print);
  installUnit(where, unit, output.print);
  if (where.scope === "user")
    output.print(
      `it runs while you are logged in; for always, say: sudo loginctl enable-linger ${environment["USER"] ?? ""}`,
    );
  output.print(`see the banner with: journalctl ${where.scope === "user" ? "--user " : ""}-u dozo`);
  output.print(`the first user's password, until its first login: ${firstPasswordFile(resolve(settings.data))}`);
}

/** A registry that somebody could think the service is for. */
function otherFolder({ scope }: ServiceScope, environment: CommandContext["environment"]): string | undefined {
  const caller = environment["SUDO_USER"];
  const folder = scope === "user" ? "/var/lib/dozo" : caller === undefined ? undefined : userDataFolder(caller);
  return folder !== undefined && existsSync(folder) ? folder : undefined;
}

function userDataFolder(user: string): string | undefined {
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((each) => each.startsWith(`${user}:`));
  const home = line?.split(":")[5];
  return home === undefined ? undefined : `${home}/.local/share/dozo`;
}

/** This one, or in a folder of sources the one that was built there. */
function executableToInstall(): string {
  if (isCompiled()) return process.execPath;
  const built = resolve(process.argv[1] ?? "src/main.ts", "../../dist/dozo");
  if (existsSync(built)) return built;
  throw new ExplainedError(
    "the system service needs the executable: its user cannot read this folder of sources",
    "npm run build makes it; then again: sudo dozo service install",
  );
}

function prepareSystem(settings: Settings, say: (line: string) => void): void {
  const executable = executableToInstall();
  const folder = resolve(settings.data);
  if (/^\/(?:home|root|run\/user)(?:\/|$)/.test(folder))
    throw new ExplainedError(
      `the system service may not look into home folders, and ${folder} is in one`,
      "choose another folder with --data, or install the user's own unit without sudo",
    );
  // A server that runs there now has to be stopped by whoever started it.
  if (existsSync(`${folder}/dozo.lock`)) lockFolder(folder)();
  placeExecutable(executable, say);
  prepareServiceUser(folder, say);
}

/** The flags go on as they came; what stands in the environment stays behind. */
function serviceCommandLine(where: ServiceScope, settings: Settings, options: Options): readonly string[] {
  const program = where.scope === "system" ? [systemExecutable] : ownCommand();
  const words = [...program, "up", "--data", resolve(settings.data)];
  const config = typeof options["config"] === "string" ? options["config"] : systemConfig(where);
  if (config !== undefined) words.push("--config", resolve(config));
  for (const { key, flag } of settingTable) {
    const value = options[key];
    if (key === "data" || value === undefined) continue;
    if (value === true) words.push(`--${flag}`);
    else
      for (const each of Array.isArray(value) ? (value as string[]) : [value as string]) words.push(`--${flag}`, each);
  }
  return words;
}

function systemConfig(where: ServiceScope): string | undefined {
  const path = "/etc/dozo/dozo.yaml";
  return where.scope === "system" && existsSync(path) ? path : undefined;
}

/** How this very program was started: the executable, or the runtime with the sources. */
function ownCommand(): readonly string[] {
  return isCompiled() ? [process.execPath] : [process.execPath, resolve(process.argv[1] ?? "src/main.ts")];
}

function isCompiled(): boolean {
  return !basename(process.execPath).startsWith("bun");
}

function needsLowPort({ listen, acme }: Settings): boolean {
  const answersAcme = acme.names.length > 0 && acme.dnsHook === undefined;
  const addresses = [...listen.map(({ address }) => address), ...(answersAcme ? [acme.httpListen] : [])];
  return addresses.some((address) => "port" in address && address.port < 1024);
}
