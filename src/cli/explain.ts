import { isatty } from "node:tty";
import { Command } from "commander";
import { readErrorLines } from "../diagnosis/error-line.ts";
import { explainError } from "../diagnosis/explain-error.ts";
import { ExplainedError } from "../process/explained-error.ts";
import { type CommandContext, UsageError } from "./command-context.ts";
import { examples } from "./examples.ts";
import { printFindings } from "./findings.ts";
import { printJson } from "./output.ts";

/** `dozo explain`: what an error text of a client means. Looks at nothing but the text. */
export function explainCommand(context: CommandContext): Command {
  return new Command("explain")
    .description("Explain an error text of Docker, podman, containerd, a browser … and say what mends it.")
    .argument("[TEXT...]", "The error text; without it, standard input: a message or a whole log.")
    .option("--json", "Print JSON.")
    .addHelpText(
      "before",
      examples('dozo explain "x509: certificate signed by unknown authority"', "docker pull … 2>&1 | dozo explain"),
    )
    .action(async (words: readonly string[], { json }: { readonly json?: boolean }) => {
      const { output } = context;
      const text = words.length > 0 ? words.join(" ") : await readText(context);
      const findings = explainError(text);
      if (json === true) printJson(output, findings);
      else printFindings(output, findings);
      if (findings.length > 0) {
        const registry = readErrorLines(text).find((line) => line.registry !== undefined)?.registry ?? "HOST:PORT";
        output.note(`to look for yourself, where the error came up: dozo doctor ${registry}`);
      } else
        throw new ExplainedError(
          "no error that is known stands in this text",
          "dozo doctor HOST[:PORT] looks at the registry from this machine, dozo doctor at the server",
        );
    });
}

async function readText(context: CommandContext): Promise<string> {
  if (isatty(0)) context.output.note("Paste the error text, and end it with Ctrl-D on a line of its own.");
  const text = await context.readInput();
  if (text.trim() === "") throw new UsageError("there is no error text", 'dozo explain "TEXT"');
  return text;
}
