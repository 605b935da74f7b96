import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { program, type Running, type Sandbox } from "../cli/run-dozo.ts";
import { blocksOf, settingsOf } from "./page.ts";

/** A page of docs/how-to that is followed on this machine: what it calls /etc/dozo is a folder of the sandbox. */
export class LocalPage {
  readonly #page: string;
  readonly #sandbox: Sandbox;
  /** What stands here for what the page writes: addresses, secrets. */
  readonly #places: ReadonlyMap<string, string>;
  readonly folder: string;

  constructor(page: string, sandbox: Sandbox, places: ReadonlyMap<string, string>) {
    this.#page = page;
    this.#sandbox = sandbox;
    this.#places = places;
    this.folder = join(sandbox.home, "etc");
    mkdirSync(this.folder);
    mkdirSync(join(sandbox.home, "bin"));
    const words = `--data '${sandbox.data}' --config '${join(this.folder, "dozo.yaml")}'`;
    const script = `#!/bin/sh\nexec '${program}' "$@" ${words}\n`;
    writeFileSync(join(sandbox.home, "bin/dozo"), script, { mode: 0o755 });
  }

  /** The page's commands for a machine, in their order. */
  commands(machine: string, which: RegExp): readonly string[] {
    const lines = blocksOf(this.#page).flatMap(({ where, commands }) => (where === machine ? commands : []));
    return lines.filter((line) => which.test(line));
  }

  /** Starts a registry with the settings of the page. */
  start(...words: readonly string[]): Running {
    writeFileSync(join(this.folder, "dozo.yaml"), this.here(settingsOf(this.#page)));
    return this.#sandbox.start(["up", ...words], { command: [join(this.#sandbox.home, "bin/dozo")] });
  }

  /** A text of the page, with what stands here for it. */
  here(text: string): string {
    const moved = text.replaceAll("/etc/dozo/", `${this.folder}/`);
    return [...this.#places].reduce((written, [from, to]) => written.replaceAll(from, to), moved);
  }

  /** Runs a command of the page; gives its output, and throws with it when the command fails. */
  run(line: string, input = ""): string {
    const { home } = this.#sandbox;
    const environment = { PATH: `${join(home, "bin")}:${process.env["PATH"] ?? ""}`, HOME: home };
    const words = ["-c", this.here(line)];
    const { status, stdout, stderr } = spawnSync("sh", words, { env: environment, input, encoding: "utf8" });
    if (status !== 0) throw new Error(`${line}\n${stdout}${stderr}`);
    return stdout;
  }
}
