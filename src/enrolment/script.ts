import { createHash, X509Certificate } from "node:crypto";
import { type RegistryIdentity, trustName } from "./identity.ts";
import { scriptEnd } from "./line.ts";
import containers from "./shell/containers.sh" with { type: "text" };
import files from "./shell/files.sh" with { type: "text" };
import kubernetes from "./shell/kubernetes.sh" with { type: "text" };
import login from "./shell/login.sh" with { type: "text" };
import main from "./shell/main.sh" with { type: "text" };
import start from "./shell/start.sh" with { type: "text" };
import systemStore from "./shell/system-store.sh" with { type: "text" };

/**
 * The POSIX shell script that makes a machine trust the registry and logs in there. The text in `shell/` is the same for every
 * registry; what is the registry's own stands on top of it, quoted. It does nothing before its last line, so a part of it does
 * nothing at all.
 *
 * `root` is for tests: a folder that stands in for `/`.
 */
export function enrolmentScript({ registry, spellings, caPem }: RegistryIdentity, root = ""): string {
  const facts = [
    ["registry", registry],
    ["spellings", spellings.join(" ")],
    ["name", trustName(registry)],
    ["ca", caPem?.trimEnd() ?? ""],
    ["ca_sha256", caPem === undefined ? "" : createHash("sha256").update(new X509Certificate(caPem).raw).digest("hex")],
    ["root", root],
  ] as const;
  const head = [
    "#!/bin/sh",
    `# Makes this machine trust the container registry ${registry}, and logs in. Says what it does; --help shows what it can.`,
    ...facts.map(([variable, value]) => `${variable}=${quote(value)}`),
  ].join("\n");
  return `${head}\n${start}${files}${containers}${kubernetes}${systemStore}${login}${main}\nmain "$@"\n${scriptEnd}\n`;
}

/** As one word for a POSIX shell (IEEE 1003.1, section 2.2.2). */
function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
