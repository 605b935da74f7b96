import type { Settings } from "../config/settings.ts";
import { folderClosed, noRegistry } from "../diagnosis/server-findings.ts";
import { readCertificates } from "../pki/trust-path.ts";
import type { ClientMachine } from "./client-machine.ts";
import { checkDirectory } from "./directory-checks.ts";
import { seeDirectory } from "./directory-facts.ts";
import { type Examination, examined } from "./examination.ts";
import { checkDataFolder } from "./folder-checks.ts";
import { checkHtpasswd } from "./htpasswd-checks.ts";
import { checkMachine } from "./machine-checks.ts";
import { checkCertificates } from "./pki-checks.ts";
import { examineRegistry, type RegistryVisit } from "./registry-doctor.ts";
import { parseRegistryReference } from "./registry-reference.ts";
import { seeServer } from "./server-facts.ts";

/** A server that runs on the data folder. */
export interface RunningServer {
  readonly pid: number | undefined;
  /** What clients write before the repository; undefined where they reach it without TLS. */
  readonly address: string | undefined;
}

/** What a registry's own machine is asked, and with what. */
export interface ServerVisit {
  readonly settings: Settings;
  readonly machine: ClientMachine;
  /** Of the running server; undefined where none runs. */
  readonly server: RunningServer | undefined;
  readonly login: RegistryVisit["login"];
  readonly tryLarge: boolean;
  readonly onStep: (step: string) => void;
}

/** Looks at the machine, the data folder and the certificates, and goes to the registry by the address that clients write. */
export async function examineServer(visit: ServerVisit): Promise<readonly Examination[]> {
  const { settings, machine, server, onStep } = visit;
  const { data: folder } = settings;
  onStep("looking at this machine");
  const facts = await seeServer(settings, server?.pid);
  if (facts.state === "missing") return [examined("data folder", folder, [noRegistry({ folder })])];
  if (facts.state === "closed") return [examined("data folder", folder, [folderClosed({ folder })])];
  const directory = await seeDirectory(settings);
  const now = machine.now();
  return [
    ...checkDataFolder(facts, settings, now),
    ...checkMachine(facts, settings, server?.pid),
    ...(await checkCertificates(facts, settings, server?.address, now)),
    ...(facts.htpasswd === undefined ? [] : [checkHtpasswd(facts.htpasswd)]),
    ...(directory === undefined ? [] : [checkDirectory(directory)]),
    ...(await goThere(visit, facts.pki["root.crt"].text ?? "")),
  ];
}

/** What clients meet: the name, whatever stands in front, the certificate that is really shown. */
async function goThere(visit: ServerVisit, rootPem: string): Promise<readonly Examination[]> {
  const { machine, server, login, tryLarge, onStep } = visit;
  const reference = server?.address === undefined ? undefined : parseRegistryReference(server.address);
  if (reference === undefined || typeof reference === "string") return [];
  const trusted = readCertificates(rootPem);
  const examinations = await examineRegistry({
    reference,
    machine,
    trusted,
    login,
    tryLarge,
    onStep,
    skipsClients: true,
  });
  // That the registry is on this machine is no news here.
  return examinations.map(({ subject, seen, findings }) => ({
    subject: `by its address: ${subject}`,
    seen,
    findings: findings.filter(({ id }) => id !== "name-is-loopback"),
  }));
}
