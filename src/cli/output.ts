import { resolve } from "node:path";
import { isatty } from "node:tty";

/** Any of them asks for help. */
export const helpWords: readonly string[] = ["--help", "-h"];

/** Where a command writes: data to standard output, everything about the work to standard error. */
export interface Output {
  /** Somebody reads along: a secret may be shown. */
  readonly isTerminal: boolean;
  readonly print: (line: string) => void;
  /** For the person who waits; not part of what a command answers. */
  readonly note: (line: string) => void;
}

/** The words that follow the program's name where a command is meant, and no sentence about dozo. */
const commands = [
  "access",
  "audit",
  "backup",
  "ca",
  "cert",
  "doctor",
  "enroll",
  "explain",
  "gc",
  "group",
  "help",
  "key",
  "restore",
  "robot",
  "serve",
  "service",
  "status",
  "up",
  "user",
  "verify",
  "version",
];
// In a container the program is always called dozo.
const ownCommand = new RegExp(`(?<![\\w/.-]|CONTAINER )dozo (?=(?:${commands.join("|")})\\b|--|\\[|…)`, "g");

const folderCommand =
  /(?<![\w/.-]|CONTAINER )dozo (?:(?:access|audit|ca|cert|gc|group|key|robot|user) [a-z][a-z-]*|service install|enroll kubernetes|up|serve|status|audit|enroll|doctor)(?![\w-])/g;

/** The process's own output. Commands in it are written the way this program was called, `./dozo up`, and for its data folder. */
export function processOutput(programName: string, words: readonly string[]): Output {
  const folder = folderFlags(words);
  const named = (line: string): string =>
    `${line.replaceAll(folderCommand, (command) => `${command}${folder}`).replaceAll(ownCommand, () => `${programName} `)}\n`;
  return {
    isTerminal: isatty(1),
    print: (line) => void process.stdout.write(named(line)),
    note: (line) => void process.stderr.write(named(line)),
  };
}

/** The flags by which this command line named the data folder, for commands that are about the same one. */
function folderFlags(words: readonly string[]): string {
  if (words.some((word) => helpWords.includes(word))) return "";
  return words
    .flatMap((word, at) => {
      const [flag = "", ...value] = word.split("=");
      if (flag !== "--data" && flag !== "--config") return [];
      const path = value.length > 0 ? value.join("=") : words[at + 1];
      // What a shell or JSON would have to escape is left to the reader.
      return path === undefined || !/^[\w./:@,+-]+$/.test(path) ? [] : [` ${flag} ${resolve(path)}`];
    })
    .join("");
}

/** One JSON document: what `--json` prints. */
export function printJson(output: Output, value: unknown): void {
  output.print(JSON.stringify(value, undefined, 2));
}

/** Columns that line up, under their titles. */
export function printTable(output: Output, titles: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = titles.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of [titles, ...rows]) {
    output.print(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
  }
}

/** `1.5 GiB`: three digits at most. */
export function formatBytes(sizeBytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = sizeBytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : Number(value.toPrecision(3))} ${units[unit] ?? ""}`;
}

/** `2026-11-23T19:40:02.000Z`: every date in JSON. */
export function isoDate(at: number): string {
  return new Date(at).toISOString();
}

/** `2026-11-23`, in UTC. */
export function formatDay(at: number): string {
  return isoDate(at).slice(0, 10);
}
