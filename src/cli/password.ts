import { randomInt } from "node:crypto";
import { type CommandContext, UsageError } from "./command-context.ts";

// Without the characters that are read as another one.
const alphabet = "abcdefghjkmnpqrstuvwxyz23456789";

/** A random password of 99 bits, in four groups that can be read out. */
export function makePassword(): string {
  return [group(), group(), group(), group()].join("-");
}

function group(): string {
  return Array.from({ length: 5 }, () => alphabet[randomInt(alphabet.length)]).join("");
}

/** The first line of standard input. */
export async function readPassword(context: CommandContext): Promise<string> {
  const line = (await context.readInput()).split(/\r?\n/, 1)[0] ?? "";
  if (line === "") {
    throw new UsageError("there is no password on standard input", "printf '%s' PASSWORD | dozo … --password-stdin");
  }
  return line;
}
