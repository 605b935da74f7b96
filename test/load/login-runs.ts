import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { Connection, type Endpoint } from "./connection.ts";
import { Content } from "./content.ts";
import type { GuessJob, GuessReport } from "./guess-client.ts";
import type { HeadJob } from "./head-client.ts";
import { LineChild } from "./line-child.ts";
import { authorizationOf, type Peer, type StartOptions } from "./peers.ts";
import { Probe } from "./probe.ts";
import { cpuSeconds, residentBytes } from "./process-usage.ts";
import { pushSmallImage } from "./push-pull.ts";
import { median, percentile } from "./table.ts";

/*
 * What logins cost those who are served: requests of a user whose password was verified a short time ago against requests with
 * an access key, and beside somebody who guesses passwords. Ratios of one run; the figures themselves are the machine's.
 */

const root = join(import.meta.dirname, "../..");
const repository = "load/logins";
const target = `/v2/${repository}/manifests/latest`;

/** Who logs in while passwords are guessed: each once, so that none is remembered. */
const freshUsers = Array.from({ length: 40 }, (_, index) => `fresh-${index}`);

/** How a registry is started for these runs: with users of the htpasswd file, bcrypt with cost 10. */
export const loginStart: StartOptions = { bcryptCost: 10, moreUsers: freshUsers };

/** Pushes what is asked for. */
export async function prepareLogins(peer: Peer): Promise<void> {
  const connection = await Connection.open(peer.endpoint);
  await pushSmallImage(connection, repository, "latest", new Content("logins", 4096));
  connection.close();
}

/** How one credential is served: answers to HEAD of a manifest in a second, and the server's time for one. */
export interface HeadFigures {
  readonly perSecond: number;
  readonly cpuMicroseconds: number;
}

/** Medians of rounds in turns, so that a machine whose speed changes changes it for both. */
export interface CredentialFigures {
  readonly password: HeadFigures;
  readonly accessKey: HeadFigures;
  /** The password's rate by the access key's: the median of the rounds' ratios. */
  readonly ratio: number;
}

/** Asks with the user's password and with an access key that is made for the user, in turns. */
export async function compareCredentials(peer: Peer, rounds: number, forMs: number): Promise<CredentialFigures> {
  const withKey = { ...peer.endpoint, authorization: `Bearer ${makeAccessKey(peer)}` };
  const samples: { readonly password: HeadFigures; readonly accessKey: HeadFigures }[] = [];
  for (const endpoint of [peer.endpoint, withKey]) await askHeads(peer, endpoint, 500);
  for (let round = 0; round < rounds; round += 1) {
    // Whichever comes second has it warmer.
    const early = round % 2 === 0 ? await askHeads(peer, peer.endpoint, forMs) : undefined;
    const accessKey = await askHeads(peer, withKey, forMs);
    samples.push({ password: early ?? (await askHeads(peer, peer.endpoint, forMs)), accessKey });
  }
  const middle = (kind: "password" | "accessKey", figure: keyof HeadFigures): number =>
    median(samples.map((sample) => sample[kind][figure]));
  const figures = (kind: "password" | "accessKey"): HeadFigures => ({
    perSecond: middle(kind, "perSecond"),
    cpuMicroseconds: middle(kind, "cpuMicroseconds"),
  });
  const ratio = median(samples.map(({ password, accessKey }) => password.perSecond / accessKey.perSecond));
  return { password: figures("password"), accessKey: figures("accessKey"), ratio };
}

async function askHeads(peer: Peer, endpoint: Endpoint, forMs: number): Promise<HeadFigures> {
  const cpuBefore = cpuSeconds(peer.pid);
  const job: HeadJob = { endpoint, target, connections: 8, forMs };
  const client = new LineChild(join(import.meta.dirname, "head-client.ts"), job, 0);
  try {
    const answers = Number(await client.answer());
    return {
      perSecond: answers / (forMs / 1000),
      cpuMicroseconds: ((cpuSeconds(peer.pid) - cpuBefore) * 1e6) / answers,
    };
  } finally {
    client.kill();
  }
}

function makeAccessKey({ dataFolder }: Peer): string {
  const command = ["key", "create", "--for", "loader", "--data", dataFolder, "--json"];
  const { stdout, stderr } = spawnSync(join(root, "dozo"), command, { encoding: "utf8" });
  try {
    return (JSON.parse(stdout) as { readonly key: string }).key;
  } catch {
    throw new Error(`no access key was made: ${stderr}`);
  }
}

/** Where guesses come from. */
export type GuessSource = "200 networks" | "one network";

/** What guessing did to others. */
export interface GuessingFigures {
  readonly source: GuessSource;
  /** How long requests of a remembered user took, without and with guesses. */
  readonly quietP99Ms: number;
  readonly guessedP99Ms: number;
  /** The median of the rounds' ratios. */
  readonly ratio: number;
  /** The longest login of somebody new, each from a network of its own. */
  readonly slowestLoginMs: number;
  readonly guesses: GuessReport;
  readonly residentMegabytes: number;
}

export interface GuessingOptions {
  readonly source: GuessSource;
  readonly rounds: number;
  readonly forMs: number;
  readonly newConnections: boolean;
}

/**
 * Has requests of a remembered user timed, in turns without and with 100 wrong passwords a second from 200 addresses under 1,000
 * names (the users' own among them). Meanwhile somebody new logs in from another network, with curl.
 */
export async function guessBeside(peer: Peer, options: GuessingOptions): Promise<GuessingFigures> {
  const rounds: { readonly quiet: number; readonly guessed: number }[] = [];
  const loginsMs: number[] = [];
  const guesses: Record<string, number> = {};
  let residentMegabytes = 0;
  for (let round = 0; round < options.rounds; round += 1) {
    const quiet = await p99Of(peer, () => Bun.sleep(options.forMs));
    const guesser = new LineChild(join(import.meta.dirname, "guess-client.ts"), guessJob(peer, options), 15);
    try {
      await guesser.answer();
      const guessed = await p99Of(peer, async () => {
        loginsMs.push(...(await logInNewly(peer, options, round)));
      });
      rounds.push({ quiet, guessed });
      residentMegabytes = Math.max(residentMegabytes, residentBytes(peer.pid) / 1e6);
      guesser.end();
      for (const [status, count] of Object.entries((await guesser.answer()) as GuessReport))
        guesses[status] = (guesses[status] ?? 0) + count;
    } finally {
      guesser.kill();
    }
  }
  return {
    source: options.source,
    quietP99Ms: median(rounds.map(({ quiet }) => quiet)),
    guessedP99Ms: median(rounds.map(({ guessed }) => guessed)),
    ratio: median(rounds.map(({ quiet, guessed }) => guessed / quiet)),
    slowestLoginMs: Math.max(...loginsMs),
    guesses,
    residentMegabytes,
  };
}

function guessJob({ endpoint }: Peer, { source, newConnections }: GuessingOptions): GuessJob {
  const addresses = Array.from({ length: 200 }, (_, index) =>
    source === "one network" ? `127.100.0.${index + 1}` : `127.${index + 1}.7.${index + 1}`,
  );
  const names = ["loader", ...freshUsers, ...Array.from({ length: 959 }, (_, index) => `somebody-${index}`)];
  return { endpoint, addresses, names, perSecond: 100, newConnections };
}

/** The time within which 99 of 100 requests of the remembered user were answered, in milliseconds. */
async function p99Of(peer: Peer, meanwhile: () => Promise<void>): Promise<number> {
  const probe = new Probe({ endpoint: peer.endpoint, targets: [target], connections: 8, everyMs: 20 });
  try {
    await meanwhile();
    return percentile(await probe.finish(), 0.99);
  } finally {
    probe.kill();
  }
}

/**
 * Every two seconds one who was never here, from a network that was never here: how long each took. Not in the first two, in which
 * each of the guessers' networks asks for the first time, so that nothing tells them from others yet.
 */
async function logInNewly(peer: Peer, { forMs }: GuessingOptions, round: number): Promise<number[]> {
  const startedAt = performance.now();
  const logins = Array.from({ length: Math.floor(forMs / 2000) - 1 }, async (_, count) => {
    await Bun.sleep(2500 + count * 2000);
    const number = round * 20 + count;
    return curlLogin(peer.endpoint, freshUsers[number % freshUsers.length] ?? "", `127.250.${number}.9`);
  });
  const times = await Promise.all(logins);
  await Bun.sleep(Math.max(0, startedAt + forMs - performance.now()));
  return times;
}

/** Logs in over a connection of its own; answers the milliseconds. Throws where the login is refused. */
async function curlLogin({ port }: Endpoint, name: string, address: string): Promise<number> {
  const url = `https://127.0.0.1:${port}/v2/`;
  const command = ["-sk", "--interface", address, "-H", `Authorization: ${authorizationOf(name)}`, "-o", "/dev/null"];
  const child = spawn("curl", [...command, "-w", "%{http_code} %{time_total}", url], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const written = await new Response(child.stdout as unknown as ReadableStream).text();
  const [status = "", seconds = ""] = written.split(" ");
  if (status !== "200")
    throw new Error(`the login of ${name} was answered with ${status} while passwords were guessed`);
  return Number(seconds) * 1000;
}
