/** A command on a terminal of its own, which is also its controlling one: `/dev/tty` is there. */
export class TerminalSession {
  readonly #child: Bun.Subprocess;
  readonly #terminal: Bun.Terminal;
  #screen = "";
  #readTo = 0;
  #wake: () => void = () => undefined;

  constructor(command: readonly string[], environment: Readonly<Record<string, string>>) {
    const decoder = new TextDecoder();
    this.#terminal = new Bun.Terminal({
      cols: 200,
      data: (_terminal, bytes) => {
        this.#screen += decoder.decode(bytes, { stream: true });
        this.#wake();
      },
    });
    this.#child = Bun.spawn(["setsid", "--ctty", "--wait", ...command], {
      terminal: this.#terminal,
      env: { TERM: "xterm", ...environment },
    });
  }

  /** All that the terminal has shown so far. */
  screen(): string {
    return this.#screen.replaceAll("\r\n", "\n");
  }

  /** Types a line when the terminal shows what is waited for, after what was answered before; throws when the command ends first. */
  async answer(question: RegExp, line: string): Promise<void> {
    for (;;) {
      const hasEnded = this.#child.exitCode !== null;
      const match = question.exec(this.#screen.slice(this.#readTo));
      if (match !== null) {
        this.#readTo += match.index + match[0].length;
        this.#terminal.write(`${line}\n`);
        return;
      }
      if (hasEnded) throw new Error(`ended with ${this.#child.exitCode} without asking:\n${this.screen()}`);
      await Promise.race([new Promise<void>((resolve) => (this.#wake = resolve)), this.#child.exited]);
    }
  }

  /** Waits for the command's end; gives its exit code. */
  async end(): Promise<number> {
    const exitCode = await this.#child.exited;
    this.#terminal.close();
    return exitCode;
  }
}
