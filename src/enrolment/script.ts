import { createHash, X509Certificate } from "node:crypto";
import { podmanMachine } from "./clients/containers.ts";
import { dockerMachine } from "./clients/desktop.ts";
import { kind } from "./clients/kubernetes.ts";
import { findingFunctions } from "./finding-functions.ts";
import { type RegistryIdentity, trustName } from "./identity.ts";
import { scriptEnd } from "./line.ts";
import check from "./shell/check.sh" with { type: "text" };
import containers from "./shell/containers.sh" with { type: "text" };
import files from "./shell/files.sh" with { type: "text" };
import kubernetes from "./shell/kubernetes.sh" with { type: "text" };
import login from "./shell/login.sh" with { type: "text" };
import main from "./shell/main.sh" with { type: "text" };
import start from "./shell/start.sh" with { type: "text" };
import systemStore from "./shell/system-store.sh" with { type: "text" };
import { quote } from "./shell-word.ts";

/**
 * The POSIX shell script that makes a machine trust the registry and logs in there. The text in `shell/` is the same for every
 * registry; what is the registry's own stands on top of it, quoted. It does nothing before its last line, so a part of it does
 * nothing at all.
 *
 * `root` is for tests: a folder that stands in for `/`.
 */
export function enrolmentScript(identity: RegistryIdentity, root = ""): string {
  const { registry, spellings, caPem } = identity;
  const host = registry.replace(/:[0-9]+$/, "");
  const facts = [
    ["registry", registry],
    ["spellings", spellings.join(" ")],
    ["bracketed", host],
    ["host", host.replaceAll(/[[\]]/g, "")],
    ["port", /:([0-9]+)$/.exec(registry.slice(host.length))?.[1] ?? "443"],
    ["name", trustName(registry)],
    ["ca", caPem?.trimEnd() ?? ""],
    ["ca_sha256", caPem === undefined ? "" : createHash("sha256").update(new X509Certificate(caPem).raw).digest("hex")],
    ["root", root],
    ["script_end", scriptEnd],
  ] as const;
  const head = [
    "#!/bin/sh",
    `# Makes this machine trust the container registry ${registry}, and logs in. Says what it does; --help shows what it can.`,
    ...facts.map(([variable, value]) => `${variable}=${quote(value)}`),
  ].join("\n");
  return `${head}\n${linesByHand(identity)}${start}${files}${containers}${kubernetes}${systemStore}${login}${check}${findingFunctions()}${main}\n{ main "$@"; }\n${scriptEnd}\n`;
}

/** What a person has to type for kinds of clients that no file of this machine reaches. */
function linesByHand(identity: RegistryIdentity): string {
  const folders = { home: "~", config: "~/.config", programData: "" };
  const cases = [dockerMachine, podmanMachine, kind].map(({ id, apply }) => {
    const lines = apply(identity, folders).map((line) => quote(line));
    return `    ${id}) printf '%s\\n' ${lines.join(" ")} ;;\n`;
  });
  return `lines_by_hand() {\n  case $1 in\n${cases.join("")}  esac\n}\n`;
}
