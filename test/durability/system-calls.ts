/** One system call as strace saw it; `start` and `end` are line numbers, so they order the calls of all threads. */
export interface SystemCall {
  readonly name: string;
  /** The arguments as strace prints them, descriptors with their paths (`-y`). */
  readonly args: string;
  readonly result: number;
  readonly start: number;
  readonly end: number;
}

/** Reads what `strace -f -y -o FILE` wrote; calls that did not end are left out. */
export function parseTrace(text: string): SystemCall[] {
  const calls: SystemCall[] = [];
  const unfinished = new Map<string, { name: string; args: string; start: number }>();
  for (const [line, content] of text.split("\n").entries()) {
    const [, thread = "", rest = ""] = /^([0-9]+)\s+(.*)$/.exec(content) ?? [];
    const begun = /^([a-z0-9_]+)\((.*) <unfinished \.\.\.>$/.exec(rest);
    if (begun !== null) {
      unfinished.set(thread, { name: begun[1] ?? "", args: begun[2] ?? "", start: line });
      continue;
    }
    const whole = /^([a-z0-9_]+)\((.*)\)\s+= (-?[0-9]+)/.exec(rest);
    const resumed = /^<\.\.\. [a-z0-9_]+ resumed>(.*)\)\s+= (-?[0-9]+)/.exec(rest);
    const before = unfinished.get(thread);
    if (whole !== null)
      calls.push({ name: whole[1] ?? "", args: whole[2] ?? "", result: Number(whole[3]), start: line, end: line });
    else if (resumed !== null && before !== undefined)
      calls.push({ ...before, args: before.args + (resumed[1] ?? ""), result: Number(resumed[2]), end: line });
  }
  return calls.toSorted((a, b) => a.start - b.start);
}

/** The path of the descriptor that a call has as its first argument. */
export function descriptorPath({ args }: SystemCall): string | undefined {
  return /^[0-9]+<([^>]*)>/.exec(args)?.[1]?.replace(/ \(deleted\)$/, "");
}

/** The quoted paths among a call's arguments. */
export function quotedPaths({ args }: SystemCall): string[] {
  return [...args.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1] ?? "");
}
