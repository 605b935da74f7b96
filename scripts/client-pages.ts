import { catalogue } from "../src/enrolment/catalogue.ts";
import type { ClientKind, Folders, TrustFile } from "../src/enrolment/client-kind.ts";
import type { RegistryIdentity } from "../src/enrolment/identity.ts";

// The pages of docs/how-to/clients, made of the catalogue that enrolment reads.

const example: RegistryIdentity = {
  registry: "HOST:PORT",
  spellings: ["HOST:PORT"],
  caPem: "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n",
  keyPin: undefined,
};
const onUsualPort: RegistryIdentity = { ...example, registry: "HOST", spellings: ["HOST", "HOST:443"] };
const homeFolder = "/home/YOU";
const folders: Folders = { home: homeFolder, config: `${homeFolder}/.config`, programData: "%ProgramData%" };

/** The pages by file name, the index among them. */
export function clientPages(): ReadonlyMap<string, string> {
  const kinds = catalogue.flatMap((family) => family.kinds);
  return new Map([["README.md", indexPage()], ...kinds.map((kind) => [`${kind.id}.md`, clientPage(kind)] as const)]);
}

function indexPage(): string {
  const sections = catalogue.map(
    ({ title, kinds }) =>
      `## ${title}\n\n${table(
        ["client", "who opens the connection", "enrolled by"],
        kinds.map((kind) => [`[${kind.name}](${kind.id}.md)`, kind.connects, bringers(kind)]),
      )}`,
  );
  return `${[
    "# How clients trust a registry, and log in",
    "`dozo enroll` prints one line to paste on each machine; it finds out what is there and does what these pages say.\nThe pages are for doing it by hand, for what the line cannot reach, and for looking up what it did.",
    "Everywhere below, `HOST:PORT` is the registry as it stands before an image's name, `ca.crt` the certificate that `dozo ca show --pem`\nprints on the server (also at `https://HOST:PORT/ca.crt`; compare its fingerprint with `dozo ca show`), and `USER` your user.",
    "**Port 443** need not be written, and most clients then look for a folder without a port. Both spellings get one: `HOST` and `HOST:443`.",
    "**A certificate that everybody trusts already** (a public one, or your company's) needs none of the files: log in, and that is all.",
    ...sections,
  ].join("\n\n")}\n`;
}

function bringers({ broughtBy }: ClientKind): string {
  const words = {
    sh: "the line",
    store: "the line, in the system's store",
    powershell: "the PowerShell line",
    kubernetes: "`dozo enroll kubernetes`",
    hand: "hand",
  };
  return broughtBy.map((each) => words[each]).join(", ");
}

function clientPage(kind: ClientKind): string {
  const files = kind.files(example, folders);
  const parts = [
    `# ${kind.name}`,
    `Trust is needed by: ${kind.connects}.`,
    "## Trust",
    introduction(kind),
    ...files.filter(({ path }) => path !== "ca.crt").map(fileText),
    ...code(kind.apply(example, folders), languageOfShell(kind)),
    ...(kind.files(onUsualPort, folders).length > files.length
      ? ["On port 443 the same for both spellings, `HOST` and `HOST:443`."]
      : []),
    `Has to start again: ${kind.restart ?? "nothing"}.`,
    "## Log in",
    ...code(kind.login(example.registry)),
    `Credentials: ${kind.credentials}.`,
    "## Push and pull",
    ...code(kind.use(example.registry)),
    "## Undo",
    ...undoText(kind, files),
    ...(kind.remarks.length === 0 ? [] : ["## Worth knowing", list(kind.remarks)]),
    "## Sources",
    list(kind.sources.map(({ claim, url }) => `${claim}: <${url}>`)),
    "[All clients](README.md)",
  ];
  return `${parts.join("\n\n")}\n`;
}

function introduction(kind: ClientKind): string {
  const byHand = "By hand, with the certificate in `ca.crt` (`dozo ca show --pem > ca.crt` on the server):";
  const ways = kind.broughtBy.filter((each) => each !== "hand");
  if (ways.length === 0) return byHand;
  if (kind.broughtBy.includes("store"))
    return `The line that \`dozo enroll\` prints puts the certificate into the system's store where it finds this tool; then nothing\nelse is needed, and flags that name the certificate are left out. ${byHand}`;
  const words = {
    sh: "the line that `dozo enroll` prints",
    store: "",
    powershell: "the PowerShell line that `dozo enroll` prints",
    kubernetes: "what `dozo enroll kubernetes` prints",
    hand: "",
  };
  return `${sentenceOf(ways.map((each) => words[each]).join(" or "))} does all of this. ${byHand}`;
}

function sentenceOf(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}

function fileText({ path, text, place, ownership }: TrustFile): string {
  const shown = path.replace(homeFolder, "~");
  const where = place === "node" ? "On every node, " : "";
  if (text === example.caPem) return `${where}\`ca.crt\` as \`${shown}\`.`;
  const what = ownership === "shared" ? `\`${shown}\` has, beside what stands there` : `\`${shown}\` is`;
  return `${where}${what}:\n\n\`\`\`${languageOf(path)}\n${text.trimEnd()}\n\`\`\``;
}

function languageOf(path: string): string {
  return /\.(toml|yaml|nix)$/.exec(path)?.[1] ?? "text";
}

function undoText(kind: ClientKind, files: readonly TrustFile[]): readonly string[] {
  const own = files.filter(({ ownership, path }) => ownership === "own" && path !== "ca.crt");
  const shared = files.filter(({ ownership }) => ownership === "shared");
  const commands = kind.undo(example, folders);
  const steps = [
    ...own.map(({ path }) => `Remove \`${path.replace(homeFolder, "~")}\`, and its folder if nothing else is in it.`),
    ...shared.map(({ path }) => `Take out of \`${path.replace(homeFolder, "~")}\` what was added.`),
  ];
  if (kind.broughtBy.includes("sh"))
    steps.push("The line from `dozo enroll` with `--undo` behind it takes back what it wrote, and nothing else.");
  if (kind.broughtBy.includes("powershell"))
    steps.push("The PowerShell line with `-Undo` behind it takes back what it wrote, and nothing else.");
  if (steps.length === 0 && commands.length === 0) return ["Nothing was written that stays."];
  return [...(steps.length === 0 ? [] : [list(steps)]), ...code(commands, languageOfShell(kind))];
}

function languageOfShell({ broughtBy }: ClientKind): string {
  return broughtBy.includes("powershell") ? "powershell" : "sh";
}

function code(lines: readonly string[], language = "sh"): readonly string[] {
  return lines.length === 0 ? [] : [`\`\`\`${language}\n${lines.join("\n")}\n\`\`\``];
}

function list(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join("\n");
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  return [titles, titles.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
