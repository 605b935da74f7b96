import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  compareCredentials,
  type CredentialFigures,
  guessBeside,
  type GuessingFigures,
  loginStart,
  prepareLogins,
} from "./login-runs.ts";
import { isThere, type PeerName, peerNames, startPeer } from "./peers.ts";
import { formatTable } from "./table.ts";

/*
 * `npm run logins`: what logins cost those who are served. A remembered password against an access key, and 100 wrong passwords a
 * second beside a remembered user. With `--json` the figures are for programs. Ends with 1 where dozo misses a limit.
 */

const { values: flags } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "12" },
    only: { type: "string" },
    "new-connections": { type: "boolean", default: false },
    registry: { type: "string", multiple: true },
  },
});
const rounds = Number(flags.rounds);
const forMs = Number(flags.seconds) * 1000;

interface Figures {
  readonly registry: PeerName;
  readonly credentials: CredentialFigures | undefined;
  readonly guessing: readonly GuessingFigures[];
}

async function measure(registry: PeerName): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), "dozo-logins-"));
  try {
    const peer = await startPeer(registry, folder, loginStart);
    try {
      await prepareLogins(peer);
      const credentials = flags.only === "guessing" ? undefined : await compareCredentials(peer, rounds * 3, forMs / 8);
      const guessing: GuessingFigures[] = [];
      for (const source of flags.only === "credentials" ? [] : (["200 networks", "one network"] as const))
        guessing.push(await guessBeside(peer, { source, rounds, forMs, newConnections: flags["new-connections"] }));
      return { registry, credentials, guessing };
    } finally {
      await peer.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function show({ registry, credentials, guessing }: Figures): string {
  const heads = [["HEAD of a manifest", "per second", "server µs each"]];
  for (const kind of ["password", "accessKey"] as const) {
    const figures = credentials?.[kind];
    if (figures !== undefined)
      heads.push([`${registry}: ${kind}`, figures.perSecond.toFixed(0), figures.cpuMicroseconds.toFixed(0)]);
  }
  const beside = guessing.map((one) => [
    `${registry}: guesses from ${one.source}`,
    ...[one.quietP99Ms, one.guessedP99Ms].map((value) => value.toFixed(1)),
    one.ratio.toFixed(2),
    one.slowestLoginMs.toFixed(0),
    Object.entries(one.guesses)
      .map(([status, count]) => `${status}: ${count}`)
      .join(", "),
    one.residentMegabytes.toFixed(0),
  ]);
  const title = ["a remembered user", "p99 ms", "beside guesses", "ratio", "new login ms", "guesses answered", "MB"];
  return [
    credentials === undefined ? "" : `${formatTable(heads)}ratio ${credentials.ratio.toFixed(3)}\n\n`,
    guessing.length === 0 ? "" : formatTable([title, ...beside]),
  ].join("");
}

function shortfalls({ registry, credentials, guessing }: Figures): string[] {
  return [
    ...(credentials !== undefined && credentials.ratio < 0.9
      ? [
          `${registry}: a remembered password reaches ${credentials.ratio.toFixed(3)} of an access key's rate, below 0.9`,
        ]
      : []),
    ...guessing
      .filter(({ ratio }) => ratio >= 2)
      .map(
        ({ source, ratio }) =>
          `${registry}, ${source}: p99 is ${ratio.toFixed(2)} times what it is without, not below 2`,
      ),
    ...guessing
      .filter(({ slowestLoginMs }) => slowestLoginMs >= 2000)
      .map(
        ({ source, slowestLoginMs }) =>
          `${registry}, ${source}: a new login took ${slowestLoginMs.toFixed(0)} ms, 2000 or more`,
      ),
  ];
}

const names = peerNames.filter(
  (name) => name.startsWith("dozo") && isThere(name) && (flags.registry?.includes(name) ?? true),
);
const figures: Figures[] = [];
for (const name of names) figures.push(await measure(name));
const problems = figures.flatMap(shortfalls);
process.stdout.write(
  flags.json
    ? `${JSON.stringify({ figures, problems }, undefined, 2)}\n`
    : `${figures.map(show).join("\n")}${problems.map((problem) => `${problem}\n`).join("")}`,
);
process.exitCode = problems.length > 0 ? 1 : 0;
