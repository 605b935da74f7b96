import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Pusher } from "../durability/pusher.ts";
import { RegistryProcess } from "../durability/registry-process.ts";
import { freePort } from "../load/peers.ts";
import { ForkableSet } from "./forkable-set.ts";

const program = resolve(import.meta.dirname, "../../dozo");

/** A command that has ended. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A registry with a backup of it, in a folder that is removed at the end. */
export class Stage {
  readonly folder = mkdtempSync(join(tmpdir(), "dozo-backup-"));
  readonly data = join(this.folder, "data");
  readonly backup = join(this.folder, "backup");
  readonly passphraseFile = join(this.folder, "passphrase");
  readonly acknowledged = new ForkableSet(join(this.folder, "acknowledged.jsonl"));
  #registry: RegistryProcess | undefined;
  #pushers = 0;

  constructor() {
    writeFileSync(this.passphraseFile, "a passphrase that is long enough\n", { mode: 0o600 });
  }

  async start(): Promise<RegistryProcess> {
    this.#registry = await RegistryProcess.start(this.folder, await freePort());
    return this.#registry;
  }

  async stop(): Promise<void> {
    await this.#registry?.stop();
  }

  /** Pushes until `isOver` has become true, and deletes tags in between. */
  async push(isOver: () => boolean): Promise<void> {
    if (this.#registry === undefined) throw new Error("the registry was not started");
    this.#pushers += 1;
    const pusher = new Pusher(`backed-up/${this.#pushers}`, this.acknowledged, () => {});
    await pusher.run(this.#registry.endpoint, isOver);
  }

  /** Pushes so many images. */
  async pushImages(count: number): Promise<void> {
    const before = this.acknowledged.size;
    // Three blobs, a manifest and a tag each.
    await this.push(() => this.acknowledged.size - before >= count * 4);
  }

  run(words: readonly string[]): Promise<Ended> {
    return this.runAlone([program, ...words]);
  }

  /** Runs any command. */
  runAlone([command = "", ...rest]: readonly string[]): Promise<Ended> {
    return ended(spawn(command, rest, { stdio: ["ignore", "pipe", "pipe"], env: this.#environment() }));
  }

  /** `dozo backup`, with the keys. */
  makeBackup(...more: readonly string[]): Promise<Ended> {
    return this.run([...this.#backupWords(), ...more]);
  }

  /** The same under another command, such as strace. */
  makeBackupUnder(command: readonly string[]): Promise<Ended> {
    return this.runAlone([...command, program, ...this.#backupWords()]);
  }

  /** The same, killed after so many milliseconds unless it has ended; answers whether it was. */
  async killBackupAfter(afterMs: number): Promise<boolean> {
    const child = spawn(program, this.#backupWords(), { stdio: "ignore", detached: true, env: this.#environment() });
    const timer = setTimeout(() => process.kill(-(child.pid ?? 0), "SIGKILL"), afterMs);
    const { promise, resolve: gone } = Promise.withResolvers<boolean>();
    child.once("exit", (_, signal) => gone(signal === "SIGKILL"));
    return promise.finally(() => clearTimeout(timer));
  }

  verifyBackup(): Promise<Ended> {
    return this.run(["backup", "verify", this.backup, "--keys-passphrase-file", this.passphraseFile, "--json"]);
  }

  /** Restores the backup into `<folder>/<name>/data`, which is answered. */
  async restore(name: string, ...more: readonly string[]): Promise<Ended & { readonly data: string }> {
    const data = join(this.folder, name, "data");
    const keys = ["--keys-passphrase-file", this.passphraseFile];
    return { ...(await this.run(["restore", this.backup, "--data", data, ...keys, ...more])), data };
  }

  /** The blobs' files in the backup. */
  blobFiles(): readonly string[] {
    return readdirSync(join(this.backup, "blobs"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  }

  #backupWords(): readonly string[] {
    return ["backup", this.backup, "--data", this.data, "--keys-passphrase-file", this.passphraseFile];
  }

  #environment(): NodeJS.ProcessEnv {
    return { ...process.env, HOME: this.folder };
  }

  async end(): Promise<void> {
    await this.#registry?.kill();
    this.acknowledged.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function ended(child: ReturnType<typeof spawn>): Promise<Ended> {
  let out = "";
  let err = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (err += text));
  return new Promise((resolveEnded) => child.once("close", (code) => resolveEnded({ code, out, err })));
}
