import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { z } from "zod";
import { nearestName } from "./nearest-name.ts";
import { type SettingDescription, settingTable } from "./setting-table.ts";
import { type Settings, settingsSchema } from "./settings.ts";
import { readSettingsFile, type SettingsFile } from "./settings-file.ts";

/** Where settings may come from; earlier ones win: flags, environment, file, defaults. */
export interface SettingsSources {
  /** By key (`limits.manifestBytes`); what a flag brought, as text, list of texts, or true. */
  readonly flags: Readonly<Record<string, string | readonly string[] | boolean>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The user's number, 0 for root: it decides the default folders. */
  readonly uid: number;
  /** `--config`; a file that was named has to be there. */
  readonly configFile: string | undefined;
}

/** The settings, and which of them somebody chose. */
export interface LoadedSettings {
  readonly settings: Settings;
  /** Keys that stood in a flag, the environment or the file. */
  readonly chosen: ReadonlySet<string>;
  /** Those that somebody chose, as a settings file would have them. */
  readonly written: Readonly<Record<string, unknown>>;
}

/** Settings that cannot be used; each fault says where it stands and what would be right. */
export class SettingsError extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join("\n"));
    this.name = "SettingsError";
    this.faults = faults;
  }
}

interface Layer {
  readonly values: Readonly<Record<string, unknown>>;
  /** How messages name the place of a key. */
  readonly placeOf: (path: readonly PropertyKey[]) => string;
}

/** Reads all sources and checks them against the schema. Throws `SettingsError` with every fault that was found. */
export function loadSettings(sources: SettingsSources): LoadedSettings {
  const file = readFile(sources);
  const layers: readonly Layer[] = [flagLayer(sources.flags), environmentLayer(sources.environment), fileLayer(file)];
  const faults = [...unknownEnvironment(sources.environment), ...unknownFileKeys(file)];
  const written: Record<string, unknown> = {};
  const chosen = new Map<string, Layer>();
  for (const setting of settingTable) {
    const layer = layers.find((each) => each.values[setting.key] !== undefined);
    if (layer === undefined) continue;
    chosen.set(setting.key, layer);
    place(written, setting.key.split("."), layer.values[setting.key]);
  }
  const raw = { data: defaultDataFolder(sources.environment, sources.uid), ...written };
  const result = settingsSchema.safeParse(raw);
  if (!result.success) faults.push(...result.error.issues.map((issue) => describeIssue(issue, raw, chosen)));
  if (faults.length > 0 || !result.success) throw new SettingsError([...new Set(faults)]);
  return { settings: result.data, chosen: new Set(chosen.keys()), written };
}

/** The folder that is used when nobody names one (XDG Base Directory Specification). */
function defaultDataFolder(environment: SettingsSources["environment"], uid: number): string {
  if (uid === 0) return "/var/lib/dozo";
  return join(xdgFolder(environment, "XDG_DATA_HOME", ".local/share"), "dozo");
}

function defaultConfigFile(environment: SettingsSources["environment"], uid: number): string {
  if (uid === 0) return "/etc/dozo/dozo.yaml";
  return join(xdgFolder(environment, "XDG_CONFIG_HOME", ".config"), "dozo", "dozo.yaml");
}

function xdgFolder(environment: SettingsSources["environment"], name: string, underHome: string): string {
  const named = environment[name];
  // The specification says to ignore a path that is not absolute.
  return named !== undefined && named.startsWith("/") ? named : join(environment["HOME"] ?? homedir(), underHome);
}

function readFile(sources: SettingsSources): SettingsFile | undefined {
  const named = sources.configFile ?? sources.environment["DOZO_CONFIG"];
  const path = named ?? defaultConfigFile(sources.environment, sources.uid);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (named === undefined && (code === "ENOENT" || code === "ENOTDIR")) return undefined;
    throw new SettingsError([`the settings file ${path} cannot be read (${code})`]);
  }
  const file = readSettingsFile(path, text);
  if (file.faults.length > 0) throw new SettingsError(file.faults);
  return file;
}

function flagLayer(flags: SettingsSources["flags"]): Layer {
  const byKey = new Map(settingTable.map((setting) => [setting.key, setting]));
  const values: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(flags)) {
    const setting = byKey.get(key);
    if (setting !== undefined) values[key] = typeof value === "string" ? fromText(setting, value) : value;
  }
  return { values, placeOf: (path) => `--${byKey.get(keyOf(path))?.flag ?? keyOf(path)}` };
}

function environmentLayer(environment: SettingsSources["environment"]): Layer {
  const values: Record<string, unknown> = {};
  for (const setting of settingTable) {
    const text = environment[setting.environment];
    if (text !== undefined && text !== "") values[setting.key] = fromText(setting, text);
  }
  return {
    values,
    placeOf: (path) => settingTable.find((setting) => setting.key === keyOf(path))?.environment ?? keyOf(path),
  };
}

function fileLayer(file: SettingsFile | undefined): Layer {
  const values: Record<string, unknown> = {};
  for (const setting of settingTable) {
    const value = file?.valueAt(setting.key.split("."));
    // A list of one may be written without the dash of a list.
    const isOne = setting.kind === "list" && value !== undefined && value !== null && !Array.isArray(value);
    if (value !== undefined) values[setting.key] = isOne ? [value] : value;
  }
  return { values, placeOf: (path) => `${file?.placeOf(path) ?? ""}: ${keyOf(path)}` };
}

function fromText(setting: SettingDescription, text: string): unknown {
  if (setting.kind === "list") {
    return text
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== "");
  }
  if (setting.kind === "number") return /^-?[0-9]+(?:\.[0-9]+)?$/.test(text) ? Number(text) : text;
  if (setting.kind === "switch") return ({ true: true, "1": true, false: false, "0": false } as const)[text] ?? text;
  return text;
}

function unknownEnvironment(environment: SettingsSources["environment"]): readonly string[] {
  const prefix = "DOZO_";
  const known = [...settingTable.map((setting) => setting.environment.slice(prefix.length)), "CONFIG"];
  const faults: string[] = [];
  for (const name of Object.keys(environment)) {
    const rest = name.slice(prefix.length);
    if (!name.startsWith(prefix) || known.includes(rest) || isOfKubernetes(name, environment[name] ?? "")) continue;
    // Whoever packs dozo may have variables of that prefix, too: only what looks mistyped is a fault.
    const meant = rest === "PORT" ? "LISTEN" : nearestName(rest, known);
    if (meant !== undefined) faults.push(`${name} is no setting: did you mean ${prefix}${meant}?`);
  }
  return faults;
}

/** Kubernetes tells every container where a service called dozo is: DOZO_PORT=tcp://10.0.0.1:5000, DOZO_SERVICE_HOST … */
function isOfKubernetes(name: string, value: string): boolean {
  return (
    /^(?:tcp|udp|sctp):\/\//.test(value) ||
    /_SERVICE_(?:HOST|PORT)(?:_[A-Z0-9_]+)?$/.test(name) ||
    /_PORT_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?$/.test(name)
  );
}

function unknownFileKeys(file: SettingsFile | undefined): readonly string[] {
  if (file === undefined) return [];
  const known = settingTable.map((setting) => setting.key);
  const inner = new Set(known.flatMap((key) => key.split(".").slice(0, -1)));
  const flat = file.keys
    .filter(({ path }) => inner.has(path.join(".")) && !file.isMapAt(path))
    .map(({ path, place: at }) => `${at}: ${path.join(".")} has to hold settings of its own, each on a line below it`);
  const unknown = file.keys
    .filter(({ path }) => path.length <= 2 && !(path.length === 2 && !inner.has(path[0] ?? "")))
    .filter(({ path }) => !known.includes(path.join(".")) && !inner.has(path.join(".")))
    .map(({ path, place: at }) => {
      const meant = nearestName(path.join("."), [...known, ...inner]);
      return `${at}: ${path.join(".")} is no setting${meant === undefined ? "; dozo up --help --all lists them" : `: did you mean ${meant}?`}`;
    });
  return [...flat, ...unknown];
}

function describeIssue(issue: z.core.$ZodIssue, raw: unknown, chosen: ReadonlyMap<string, Layer>): string {
  const setting = settingTable.find((each) => keyOf(issue.path).startsWith(each.key));
  const layer = setting === undefined ? undefined : chosen.get(setting.key);
  const where = layer?.placeOf(issue.path) ?? keyOf(issue.path);
  if (setting?.accepted === undefined) return `${where}: ${issueText(issue)}`;
  const written = issue.path.reduce<unknown>((value, part) => (value as Record<PropertyKey, unknown>)[part], raw);
  return `${where} is ${JSON.stringify(written)}: it has to be ${setting.accepted}`;
}

/** Where the schema has no words of its own, the library's would not help anybody. */
function issueText(issue: z.core.$ZodIssue): string {
  if (issue.code === "too_small") return issue.origin === "array" ? "needs at least one entry" : "needs a value";
  if (issue.code !== "invalid_type") return issue.message;
  if (issue.expected === "string") return 'has to be text; write it in quotes: "…"';
  return issue.expected === "array" ? "has to be a list" : "cannot be used like this";
}

function keyOf(path: readonly PropertyKey[]): string {
  return path.filter((part) => typeof part === "string").join(".");
}

function place(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [name = "", ...rest] = path;
  if (rest.length === 0) {
    target[name] = value;
    return;
  }
  const inner = (target[name] ?? {}) as Record<string, unknown>;
  target[name] = inner;
  place(inner, rest, value);
}
