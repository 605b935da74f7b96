import { createHash } from "node:crypto";
import { open } from "node:fs/promises";

import type { Clock } from "../core/clock.ts";
import type { Log } from "../log.ts";
import { type HtpasswdEntries, HtpasswdError, type HtpasswdHash, parseHtpasswd } from "./htpasswd-entries.ts";

export interface HtpasswdOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
}

interface Version {
  /** Device, inode, size and both times in nanoseconds. */
  readonly signature: string;
  /** SHA-256 of the content. */
  readonly content: string;
}

const checkEveryMs = 1000;
// Two changes within one tick of the kernel's clock have the same times: what is younger is read again.
const settledAfterMs = 2000;

/**
 * The operator's htpasswd file. It is read again when it changes; a version that cannot be read, or has nobody in it any more,
 * leaves the users as they were and says so in the log, once.
 */
export class HtpasswdFile {
  readonly #options: HtpasswdOptions;
  readonly #listeners: (() => void)[] = [];
  #entries: HtpasswdEntries;
  #version: Version;
  #readAt: number;
  #checkedAt: number;
  #complaint: string | undefined;
  #refreshing: Promise<void> | undefined;
  readonly #timer: ReturnType<typeof setInterval>;

  /** Looks at the file every second from now on. Throws an `HtpasswdError` that names the file, the line and what is wrong with it. */
  static async open(options: HtpasswdOptions): Promise<HtpasswdFile> {
    try {
      const { bytes, version, mode } = await readVersion(options.path);
      if ((mode & 0o007) !== 0)
        options.log.warn("everybody on this machine may read the htpasswd file; better: chmod o= FILE", {
          file: options.path,
        });
      return new HtpasswdFile(options, parseHtpasswd(bytes), version);
    } catch (error) {
      throw new HtpasswdError(undefined, `${options.path} cannot be used: ${reasonOf(error)}`);
    }
  }

  private constructor(options: HtpasswdOptions, entries: HtpasswdEntries, version: Version) {
    this.#options = options;
    this.#entries = entries;
    this.#version = version;
    this.#readAt = options.clock.now();
    this.#checkedAt = this.#readAt;
    this.#timer = setInterval(() => void this.refresh(), checkEveryMs);
    // It must not keep a process alive that has nothing else to do.
    this.#timer.unref();
    this.#announce();
  }

  /** Of the last good version. */
  get users(): ReadonlyMap<string, HtpasswdHash> {
    return this.#entries.users;
  }

  /** Calls back each time that a new version has been taken. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Looks at the file no more. */
  stop(): void {
    clearInterval(this.#timer);
  }

  /** As `refresh`, but not more than once a second. */
  async refreshIfDue(): Promise<void> {
    if (Math.abs(this.#options.clock.now() - this.#checkedAt) >= checkEveryMs) await this.refresh();
  }

  /** Takes what the file is now, if it has changed and can be read. Never throws. */
  async refresh(): Promise<void> {
    this.#refreshing ??= this.#check().finally(() => {
      this.#refreshing = undefined;
    });
    await this.#refreshing;
  }

  async #check(): Promise<void> {
    const { path, clock } = this.#options;
    this.#checkedAt = clock.now();
    try {
      const signature = await readSignature(path);
      const isSettled = this.#readAt - changedAt(signature) >= settledAfterMs;
      if (signature === this.#version.signature && isSettled) return;
      const { bytes, version } = await readVersion(path);
      this.#readAt = clock.now();
      const isSameContent = version.content === this.#version.content;
      this.#version = version;
      if (isSameContent) return;
      this.#take(parseHtpasswd(bytes));
    } catch (error) {
      this.#complain(reasonOf(error));
    }
  }

  #take(entries: HtpasswdEntries): void {
    if (entries.users.size === 0 && this.#entries.users.size > 0)
      throw new HtpasswdError(
        undefined,
        "there is no user in it (to have none, take the setting away and start again)",
      );
    this.#entries = entries;
    this.#complaint = undefined;
    this.#options.log.info("the htpasswd file was read again", { users: entries.users.size });
    this.#announce();
    for (const listener of this.#listeners) listener();
  }

  #announce(): void {
    for (const warning of this.#entries.warnings) this.#options.log.warn(`htpasswd file: ${warning}`);
  }

  #complain(reason: string): void {
    if (reason === this.#complaint) return;
    this.#complaint = reason;
    this.#options.log.error("the htpasswd file cannot be used as it is now; the users of its last good version stay", {
      file: this.#options.path,
      reason,
      users: this.#entries.users.size,
    });
  }
}

async function readSignature(path: string): Promise<string> {
  const file = await open(path, "r");
  try {
    return signatureOf(await file.stat({ bigint: true }));
  } finally {
    await file.close();
  }
}

async function readVersion(path: string): Promise<{
  readonly bytes: Uint8Array;
  readonly version: Version;
  readonly mode: number;
}> {
  const file = await open(path, "r");
  try {
    // Before the bytes: if the file changes while they are read, the next look sees another signature.
    const stat = await file.stat({ bigint: true });
    const bytes = await file.readFile();
    const content = createHash("sha256").update(bytes).digest("hex");
    return { bytes, version: { signature: signatureOf(stat), content }, mode: Number(stat.mode) };
  } finally {
    await file.close();
  }
}

function signatureOf(stat: {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}): string {
  return [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(" ");
}

/** In milliseconds since 1970. */
function changedAt(signature: string): number {
  return Number(BigInt(signature.split(" ")[4] ?? "0") / 1_000_000n);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
