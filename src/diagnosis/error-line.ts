import { type ClientProgram, clientOf } from "./client-program.ts";

/** One line of an error text, and what it tells about who met the error, and where. */
export interface ErrorLine {
  readonly text: string;
  readonly client: ClientProgram;
  /** The registry as the line writes it, `HOST` or `HOST:PORT`; `undefined` where nothing near it names one. */
  readonly registry: string | undefined;
}

// A line of a log can be a whole document; nothing that is looked for stands further in.
const longestLine = 16_384;

const host = String.raw`(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?)`;
const registryPatterns: readonly RegExp[] = [
  new RegExp(String.raw`\b(?:https?|docker|oci)://(${host}(?::\d{1,5})?)(?=[/"'\s]|$)`),
  new RegExp(String.raw`certs\.d/(${host}(?::\d{1,5})?)(?=[/"'\s]|$)`),
  new RegExp(String.raw`pinging container registry (${host}(?::\d{1,5})?)`),
  new RegExp(String.raw`(?:^|[\s"'=])(${host}:\d{1,5}|${host}\.[A-Za-z][A-Za-z0-9-]*)/[a-z0-9]`),
  new RegExp(String.raw`\bdial tcp: lookup (${host})`),
  new RegExp(String.raw`\bdial tcp (${host}:\d{1,5})`),
];

/**
 * The lines of a text, a message or a whole log, each with its client and registry. A line that names neither is taken to speak of
 * what the nearest line before it named, else of what the first one after it does.
 */
export function readErrorLines(text: string): readonly ErrorLine[] {
  const lines = text.split(/\r?\n/).map((line) => line.slice(0, longestLine));
  const seen = lines.map((line) => ({ text: line, client: clientOf(line), registry: registryOf(line) }));
  let client = seen.find((line) => line.client !== "unknown")?.client ?? "unknown";
  let registry = seen.find((line) => line.registry !== undefined)?.registry;
  return seen.map((line) => {
    if (line.client !== "unknown") client = line.client;
    registry = line.registry ?? registry;
    return { text: line.text, client, registry };
  });
}

// Programs print where to read more; nobody pulls from there.
const manuals =
  /https?:\/\/(?:curl\.se|curl\.haxx\.se|docs\.docker\.com|kubernetes\.io|(?:www\.)?openssl\.org|go\.dev)(?![\w.:-])\S*/g;

function registryOf(line: string): string | undefined {
  const text = line.includes("://") ? line.replace(manuals, "") : line;
  return registryPatterns.map((pattern) => pattern.exec(text)?.[1]).find((found) => found !== undefined);
}
