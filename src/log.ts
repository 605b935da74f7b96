import { inspect } from "node:util";
import { pino } from "pino";

/** What a line carries besides its message. Nothing secret belongs here: no header, no query, no password. */
type LogFields = Readonly<Record<string, unknown>>;

type LogLevel = "debug" | "info" | "warn" | "error";

/** How the text format says a thing whose message and fields are for machines: a line that stands alone, and how much it matters. */
export interface TextForm {
  readonly level: LogLevel;
  readonly line: string;
}

/**
 * Lines for the operator. An `error` among the fields is written with the chain of its causes. Where there is a text form,
 * the text format writes that instead of message and fields, and judges by its level.
 */
export interface Log {
  debug(message: string, fields?: LogFields, text?: TextForm): void;
  info(message: string, fields?: LogFields, text?: TextForm): void;
  warn(message: string, fields?: LogFields, text?: TextForm): void;
  error(message: string, fields?: LogFields, text?: TextForm): void;
}

/** A log, and the way to have everything written before the process ends. */
export interface OpenLog extends Log {
  flush(): void;
}

export interface LogOptions {
  readonly level: LogLevel;
  /** `json`: one object a line. `text`: short lines for a person. */
  readonly format: "json" | "text";
  /** Where lines go; standard error by default, written behind the program's back so that nobody waits for it. */
  readonly write?: (line: string) => void;
}

/** Fields and messages are cut to so many characters. */
const maxFieldLength = 1024;
const maxCauses = 5;

type Emit = (level: LogLevel, message: string, fields: Record<string, unknown>) => void;

const levels: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** Makes the log. Each event is one line, whatever a client put into its name or path. */
export function createLog(options: LogOptions): OpenLog {
  const standardError = options.write === undefined ? openStandardError() : undefined;
  const write = options.write ?? ((line: string) => standardError?.write(line));
  const emit = options.format === "json" ? jsonEmitter(write) : textEmitter(write);
  const least = levels.indexOf(options.level);
  const at =
    (level: LogLevel): Log[LogLevel] =>
    (message, fields, text) => {
      const form = options.format === "text" ? text : undefined;
      const shown = form?.level ?? level;
      if (levels.indexOf(shown) < least) return;
      if (form === undefined) emit(level, cut(message), bounded(fields));
      else emit(shown, cut(form.line), {});
    };
  const flush = (): void => standardError?.flushSync();
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error"), flush };
}

/** A log that keeps nothing, for tests and for commands without one. */
export const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Where lines go behind the program's back. */
export interface LineOutput {
  write(line: string): unknown;
  flushSync(): void;
}

/** Standard output for lines of another kind than the log's. Of what nobody reads, 16 MiB are kept. */
export function openStandardOutput(): LineOutput {
  const destination = pino.destination({ dest: 1, sync: false, maxLength: 16 * 1024 * 1024 });
  destination.on("error", () => {});
  return destination;
}

function openStandardError(): LineOutput {
  const destination = pino.destination({ dest: 2, sync: false });
  // A terminal that has gone, or a full disk behind it, must not end the registry.
  destination.on("error", () => {});
  return destination;
}

function jsonEmitter(write: (line: string) => void): Emit {
  const logger = pino(
    { level: "debug", base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: named } },
    { write: (line: string) => write(escaped(line)) },
  );
  return (level, message, fields) => logger[level](fields, message);
}

function named(label: string): { level: string } {
  return { level: label };
}

/** `18:27:05 WARN  message  field=value`, for a person: in local time, and the usual level is not worth a word. */
function textEmitter(write: (line: string) => void): Emit {
  return (level, message, fields) => {
    const time = new Date().toTimeString().slice(0, 8);
    const weight = level === "info" ? "" : `${level.toUpperCase().padEnd(5)} `;
    let line = `${time} ${weight}${quoted(message)}`;
    for (const [name, value] of Object.entries(fields)) line += `  ${name}=${fieldText(value)}`;
    write(escaped(`${line}\n`));
  };
}

function bounded(fields: LogFields = {}): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    result[name] = value instanceof Error ? causes(value) : typeof value === "string" ? cut(value) : value;
  }
  return result;
}

function cut(text: string): string {
  return text.length <= maxFieldLength ? text : `${text.slice(0, maxFieldLength)}…`;
}

/** Each with the place that it came from: this is for the operator, never for a client. */
function causes(error: Error): readonly string[] {
  const texts: string[] = [];
  for (let at: unknown = error; at !== undefined && texts.length < maxCauses;) {
    texts.push(cut(at instanceof Error ? (at.stack ?? `${at.name}: ${at.message}`) : inspect(at)));
    at = at instanceof Error ? at.cause : undefined;
  }
  return texts;
}

function fieldText(value: unknown): string {
  if (typeof value === "string" && /^[\w./:@+-]+$/.test(value)) return value;
  return JSON.stringify(value);
}

/** JSON's escapes without its quotation marks, which are as good as any other character here. */
function quoted(text: string): string {
  return JSON.stringify(text)
    .slice(1, -1)
    .replaceAll(String.raw`\"`, '"');
}

// JSON leaves these as they are: DEL and C1 controls, line separators, and what changes the direction of text or hides it.
// oxlint-disable-next-line no-control-regex
const unsafe = /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** The same line without what a terminal or an editor would act upon; JSON stays JSON. */
export function escaped(line: string): string {
  return line.replace(unsafe, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
