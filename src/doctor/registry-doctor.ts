import type { X509Certificate } from "node:crypto";
import { loginNotTried } from "../diagnosis/client-findings.ts";
import { leadsTo } from "../pki/trust-path.ts";
import { isLoopbackAddress } from "../process/host-names.ts";
import { checkClocks, checkFirstAnswer } from "./answer-checks.ts";
import type { ClientMachine } from "./client-machine.ts";
import { checkCertificate, checkConnection } from "./connection-checks.ts";
import { seeConnection } from "./connection-facts.ts";
import { type Examination, examined } from "./examination.ts";
import { checkAnnouncement, checkExchange } from "./exchange-checks.ts";
import { announceBody, exchangeBlobs, largeBytes, smallBytes } from "./exchange-facts.ts";
import { checkPrograms } from "./program-checks.ts";
import { seePrograms } from "./program-facts.ts";
import { ask, type RegistryDoor } from "./registry-answers.ts";
import type { RegistryReference } from "./registry-reference.ts";
import { checkTrust } from "./trust-checks.ts";
import { seeTrust } from "./trust-facts.ts";

/** What is asked of a registry, and with what. */
export interface RegistryVisit {
  readonly reference: RegistryReference;
  readonly machine: ClientMachine;
  /** Certificates that count as trusted besides what the machine trusts. */
  readonly trusted: readonly X509Certificate[];
  /** Without one nothing is uploaded. */
  readonly login: { readonly user: string; readonly password: string } | undefined;
  /** Try an upload of 128 MiB too. */
  readonly tryLarge: boolean;
  /** Only what lies between here and the registry, not this machine's clients: for the server that looks at its proxy. */
  readonly skipsClients: boolean;
  /** Hears what is being waited for. */
  readonly onStep: (step: string) => void;
}

/** Goes the way of a client to a registry, as far as it leads. What does not depend on each other runs side by side. */
export async function examineRegistry(visit: RegistryVisit): Promise<readonly Examination[]> {
  const { reference, machine, onStep } = visit;
  onStep(`looking at ${reference.registry}`);
  const [connection, programs] = await Promise.all([
    seeConnection(reference),
    visit.skipsClients ? undefined : seePrograms(machine),
  ]);
  const examinations = [...checkConnection(reference, connection)];
  const programExaminations = (challenge: string): readonly Examination[] =>
    programs === undefined ? [] : checkPrograms(reference, programs, challenge);
  if (connection.tls?.kind !== "chain") return [...examinations, ...programExaminations("")];

  const { chain } = connection.tls;
  const certificate = checkCertificate(reference.registry, reference.host, chain, machine.now());
  examinations.push(certificate);
  const trust = checkTrust({
    reference,
    chain,
    facts: seeTrust(machine, reference),
    now: machine.now(),
    isLoopback: connection.addresses.some(isLoopbackAddress),
  });
  if (!visit.skipsClients) examinations.push(...trust.examinations);
  // A certificate for another name or time is refused here as anywhere.
  if (certificate.findings.some(({ severity }) => severity === "error"))
    return [...examinations, ...programExaminations("")];

  const demand = { name: reference.host, now: machine.now() };
  const isTrusted = trust.isTrusted || leadsTo(chain, visit.trusted, demand) !== undefined;
  const answers = await examineAnswers(visit, chain, isTrusted);
  return [...examinations, ...answers.examinations, ...programExaminations(answers.challenge)];
}

async function examineAnswers(
  visit: RegistryVisit,
  chain: readonly X509Certificate[],
  isTrusted: boolean,
): Promise<{ readonly examinations: readonly Examination[]; readonly challenge: string }> {
  const { reference, machine, onStep } = visit;
  const { registry } = reference;
  const url = `https://${registry}`;
  const door: RegistryDoor = { url, leaf: chain[0], authorization: undefined };
  onStep(`asking ${registry}`);
  const [answer, announced] = await Promise.all([
    ask(door, { method: "GET", path: "/v2/" }),
    announceBody(door, reference, largeBytes),
  ]);
  const challenge = typeof answer === "string" ? "" : (answer.headers.get("www-authenticate") ?? "");
  const first = checkFirstAnswer(registry, answer);
  const examinations = [first, checkClocks(answer, machine.now())];
  if (first.findings.length > 0) return { examinations, challenge };
  examinations.push(checkAnnouncement(registry, announced));
  if (visit.login === undefined) return { examinations, challenge };
  if (!isTrusted) {
    const notTried = examined("login", "not tried", [loginNotTried({ registry })]);
    return { examinations: [...examinations, notTried], challenge };
  }
  onStep(visit.tryLarge ? "uploading 64 KiB and 128 MiB" : "uploading 64 KiB");
  const { user, password } = visit.login;
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
  const sizes = visit.tryLarge ? [smallBytes, largeBytes] : [smallBytes];
  const exchange = await exchangeBlobs({ ...door, authorization }, sizes);
  return { examinations: [...examinations, ...checkExchange(registry, url, user, exchange)], challenge };
}
