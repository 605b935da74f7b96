/** Whose words an error text is in, as far as they tell. */
export type ClientProgram = "docker" | "podman" | "unknown";

const signs: readonly (readonly [ClientProgram, RegExp])[] = [
  ["docker", /\bError response from daemon\b|\bdockerd\b/],
  ["podman", /\bpinging container registry\b|\bpodman\b|\binitializing source docker:\/\//],
];

/** The client whose words a line is in; `unknown` where any could have written it. */
export function clientOf(line: string): ClientProgram {
  return signs.find(([, sign]) => sign.test(line))?.[0] ?? "unknown";
}
