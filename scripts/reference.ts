import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { createProgram, descendants } from "../src/cli/program.ts";
import { settingTable } from "../src/config/setting-table.ts";
import { accessKeysPage } from "./access-keys-page.ts";
import { clientPages } from "./client-pages.ts";
import { openApi } from "./openapi.ts";

// Writes docs/reference/ from the schema of the settings, the commands and the route table, and docs/how-to/clients/ from the
// catalogue of clients. With --check it only says whether what is there is what it would write.

const docs = join(import.meta.dir, "../docs");

/** Every page that is generated, by its folder below docs. Nothing else lies in these folders. */
export async function generatedPages(): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  return new Map([
    ["reference", await referencePages()],
    ["how-to/clients", clientPages()],
  ]);
}

/** The pages of docs/reference, by file name. */
export async function referencePages(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ["settings.md", settingsPage()],
    ["commands.md", await commandsPage()],
    ["access-keys.md", accessKeysPage()],
    ["openapi.json", `${JSON.stringify(openApi(), undefined, 2)}\n`],
  ]);
}

function settingsPage(): string {
  const sections = settingTable.map(
    ({ key, description, defaultText, accepted, flag, kind, placeholder, environment }) => {
      const value = kind === "switch" ? "" : ` ${placeholder}`;
      return [
        `## \`${key}\``,
        "",
        description,
        "",
        `- default: ${defaultText}`,
        ...(accepted === undefined ? [] : [`- accepted: ${accepted}`]),
        ...(kind === "list" ? ["- a list: repeat the flag, or separate with commas"] : []),
        `- flag: \`--${flag}${value}\``,
        `- environment: \`${environment}\``,
      ].join("\n");
    },
  );
  const head = `# Settings

A flag wins over the environment, the environment over the settings file, the file over the default.

The file is YAML: \`dozo/dozo.yaml\` under the XDG configuration home, \`/etc/dozo/dozo.yaml\` for root, or the one that
\`--config FILE\` or \`DOZO_CONFIG\` names. A name with a dot stands in a section:

\`\`\`yaml
hosts:
  - registry.example.com
listen:
  - 0.0.0.0:443
  - address: 127.0.0.1:5001
    tls: off
limits:
  manifestBytes: 8388608
\`\`\``;
  return `${[head, ...sections].join("\n\n")}\n`;
}

async function commandsPage(): Promise<string> {
  const program = await createProgram({
    output: { isTerminal: false, print: () => {}, note: () => {} },
    environment: {},
    uid: 1000,
    version: "",
    showsAllSettings: false,
    readInput: () => Promise.resolve(""),
  });
  const sections = [program, ...descendants(program)].map(
    (command) => `## \`${nameOf(command)}\`\n\n\`\`\`text\n${helpOf(command).trimEnd()}\n\`\`\``,
  );
  const head = `# Commands

Every command ends with 0, with 1 when it failed, and with 2 when it was used wrongly.`;
  return `${[head, ...sections].join("\n\n")}\n`;
}

function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}

function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({ writeOut: (part) => (text += part), getOutHelpWidth: () => 100 });
  command.outputHelp();
  return text;
}

if (import.meta.main) {
  for (const [folder, pages] of await generatedPages()) writePages(folder, pages, process.argv.includes("--check"));
}

function writePages(folder: string, pages: ReadonlyMap<string, string>, isCheck: boolean): void {
  mkdirSync(join(docs, folder), { recursive: true });
  for (const name of readdirSync(join(docs, folder))) {
    if (pages.has(name)) continue;
    if (isCheck) complain(`docs/${folder}/${name} belongs to nothing`);
    else rmSync(join(docs, folder, name));
  }
  for (const [name, text] of pages) {
    const path = join(docs, folder, name);
    if (!isCheck) writeFileSync(path, text);
    else if (readFileSync(path, "utf8") !== text) complain(`docs/${folder}/${name} is old`);
  }
}

function complain(what: string): void {
  process.stderr.write(`${what}; make it anew: npm run reference\n`);
  process.exitCode = 1;
}
