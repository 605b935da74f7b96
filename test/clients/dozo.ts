import { join } from "node:path";
import type { Machine, Program } from "./machine.ts";

const clone = join(import.meta.dir, "../..");

/** The program under test: the launcher of the clone, or what DOZO_PROGRAM names (the built executable). */
export const dozoProgram = process.env["DOZO_PROGRAM"] ?? join(clone, "dozo");

/** What a person copies from the banner, line by line. */
export interface Banner {
  readonly text: string;
  /** The registry as image names have it: HOST:PORT, or HOST on port 443. */
  readonly registry: string;
  /** Missing where TLS is somebody else's. */
  readonly enrolmentLine: string | undefined;
  readonly loginLine: string;
  /** Makes the image that the next line tags. */
  readonly importLine: string;
  readonly tagLine: string;
  readonly pushLine: string;
}

/** A running dozo with what its banner told. */
export interface RunningDozo {
  readonly banner: Banner;
  readonly user: string;
  readonly password: string;
  readonly program: Program;
  /** Runs another dozo command on the same data folder; gives its output. */
  command(line: string): Promise<string>;
}

/** How to start it: everything that is left out is left out on the command line too. */
export interface DozoOptions {
  readonly data?: string;
  readonly arguments?: readonly string[];
  /** Given on standard input with --password-stdin; without it dozo makes one and writes it to a file. */
  readonly password?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Starts `dozo up` on a machine and waits for the end of its banner. */
export async function startDozo(machine: Machine, options: DozoOptions = {}): Promise<RunningDozo> {
  const data = options.data === undefined ? [] : ["--data", options.data];
  const user = options.password === undefined ? [] : ["--user", "admin", "--password-stdin"];
  const program = machine.start([dozoProgram, "up", ...data, ...(options.arguments ?? []), ...user], {
    ...(options.password === undefined ? {} : { input: `${options.password}\n` }),
    environment: options.environment ?? {},
  });
  await program.waitFor(/docker push .*\n/);
  const banner = readBanner(program.printed());
  const password = options.password ?? (await readFirstPassword(machine, program));
  const command = async (line: string): Promise<string> => machine.mustRun(`${dozoProgram} ${line} ${data.join(" ")}`);
  return { banner, user: "admin", password, program, command };
}

async function readFirstPassword(machine: Machine, program: Program): Promise<string> {
  const [file] = await program.waitFor(/[^\s"']*first-password/);
  return (await machine.mustRun(`cat ${file}`)).trim();
}

function readBanner(text: string): Banner {
  const line = (pattern: RegExp): string => {
    const found = pattern.exec(text)?.[0];
    if (found === undefined) throw new Error(`no line like ${String(pattern)} in the banner:\n${text}`);
    return found.trim();
  };
  const enrolmentLine = /^ *sh -c .* enroll$/m.exec(text)?.[0].trim();
  const pushLine = line(/docker push .*$/m);
  const registry = /docker push ([^/\s]+)\//.exec(pushLine)?.[1] ?? "";
  return {
    text,
    registry,
    enrolmentLine,
    loginLine: line(/docker login .*$/m),
    importLine: line(/tar .*docker import .*$/m),
    tagLine: line(/docker tag .*$/m),
    pushLine,
  };
}

/** The login line of the banner with the password on standard input, as scripts run it. */
export function loginWithPasswordOnInput(banner: Banner): string {
  return banner.loginLine.includes("--password-stdin") ? banner.loginLine : `${banner.loginLine} --password-stdin`;
}
