import { dozoProgram, type RunningDozo, startDozo } from "../clients/dozo.ts";
import { Lan, type Machine, type Result, serverName } from "../clients/machine.ts";
import { blocksOf } from "./page.ts";

/** The name that the pages use. */
const exampleName = /registry\.example\.com/g;

/** The machines of a page, and the walk through it. */
export class Walk {
  readonly lan: Lan;
  readonly dozo: RunningDozo;
  readonly #machines: ReadonlyMap<string, Machine>;

  private constructor(lan: Lan, dozo: RunningDozo, machines: ReadonlyMap<string, Machine>) {
    this.lan = lan;
    this.dozo = dozo;
    this.#machines = machines;
  }

  /** A registry with these settings, and machines of these names that trust it and are not logged in. */
  static async begin(names: readonly string[], settings = ""): Promise<Walk> {
    const lan = await Lan.build();
    await lan.server.mustRun("mkdir -p /etc/dozo && cat > /etc/dozo/dozo.yaml", { input: settings });
    const dozo = await startDozo(lan.server, {
      password: "chosen by the person",
      arguments: ["--config", "/etc/dozo/dozo.yaml"],
    });
    const machines = new Map([["registry", lan.server]]);
    await lan.server.mustRun(`mkdir -p ~/bin && ln -s ${dozoProgram} ~/bin/dozo`);
    for (const name of names) {
      const machine = await lan.addClient(name);
      await machine.mustRun(dozo.banner.enrolmentLine ?? "false");
      machines.set(name, machine);
    }
    return new Walk(lan, dozo, machines);
  }

  machine(name: string): Machine {
    const machine = this.#machines.get(name);
    if (machine === undefined) throw new Error(`the page speaks of a machine ${name}, which was not made`);
    return machine;
  }

  /**
   * Runs every command of a page in its order, on a terminal; `answer` is asked what to type before each one, `replace` puts
   * what this LAN has in the place of what it cannot reach. Throws at the first that does not end as the page says.
   */
  async through(
    page: string,
    { answer = () => "", replace = (command) => command, before = async () => {} }: WalkOptions = {},
  ): Promise<readonly Step[]> {
    const steps: Step[] = [];
    for (const block of blocksOf(page)) {
      for (const [index, written] of block.commands.entries()) {
        const command = replace(written).replaceAll(exampleName, serverName);
        await before(block.where, written);
        const result = await this.#run(block.where, command, answer(written, steps));
        const isRefusal = block.isRefused && index === block.commands.length - 1;
        if ((result.exitCode !== 0) !== isRefusal)
          throw new Error(`${block.where}: ${command}\nended with ${result.exitCode}:\n${result.output}`);
        steps.push({ where: block.where, command: written, output: result.output });
      }
    }
    return steps;
  }

  #run(where: string, command: string, input: string): Promise<Result> {
    const onTerminal = `PATH=~/bin:$PATH; export PATH; script -qec '${command.replaceAll("'", "'\\''")}' /dev/null`;
    return this.machine(where).run(onTerminal, { input });
  }
}

interface WalkOptions {
  readonly answer?: (command: string, before: readonly Step[]) => string;
  readonly replace?: (command: string) => string;
  readonly before?: (where: string, command: string) => Promise<unknown>;
}

/** A command that was run, and what it printed. */
export interface Step {
  readonly where: string;
  readonly command: string;
  readonly output: string;
}
