import { isIP } from "node:net";
import type { Settings } from "../config/settings.ts";
import { certificateUnreadable } from "../diagnosis/certificate-findings.ts";
import type { Finding } from "../diagnosis/finding.ts";
import {
  authorityBroken,
  authorityEndsSoon,
  certificateForeign,
  givenCertificateFaulty,
  modeTooWide,
  nameLeadsElsewhere,
  nameMissing,
} from "../diagnosis/server-findings.ts";
import { isConsistent } from "../pki/certificate-authority.ts";
import { isIssuedFor } from "../pki/certificate.ts";
import { judgePair } from "../pki/given-pair.ts";
import { readCertificates, readChain } from "../pki/trust-path.ts";
import { dateFinding } from "./connection-checks.ts";
import { type Examination, examined } from "./examination.ts";
import type { ServerFacts } from "./server-facts.ts";

const dayMs = 86_400_000;

/** The certificates that are served: dozo's own, and files that the operator gave. `address` is what clients are told to write. */
export async function checkCertificates(
  facts: ServerFacts,
  settings: Settings,
  address: string | undefined,
  now: number,
): Promise<readonly Examination[]> {
  const isOwn = settings.listen.some(({ tls }) => tls === "own");
  const elsewhere = facts.names.unreachable.map((name) => nameLeadsElsewhere({ name }));
  return [
    examined("names", [...settings.hosts, facts.names.publicHost].join(", "), elsewhere),
    ...(isOwn ? [await checkAuthority(facts, now), await checkOwn(facts, settings, address, now)] : []),
    ...facts.given.map((pair) => checkGiven(pair, { hosts: settings.hosts, knownRoots: facts.knownRoots, now })),
  ];
}

async function checkAuthority({ pki, folder }: ServerFacts, now: number): Promise<Examination> {
  const [rootPem, intermediatePem, keyPem] = [pki["root.crt"].text, pki["ca.crt"].text, pki["ca.key"].text];
  if (rootPem === undefined || intermediatePem === undefined || keyPem === undefined) {
    const missing = [pki["root.crt"], pki["ca.crt"], pki["ca.key"]].filter(({ text }) => text === undefined);
    const what = `${missing.map(({ path, fault }) => `${path} cannot be read (${fault ?? ""})`).join(", ")}.`;
    return examined("authority", "incomplete", [authorityBroken({ what })]);
  }
  if (!(await isConsistent({ rootPem, intermediatePem, keyPem }))) {
    const what = `root.crt, ca.crt and ca.key in ${folder}/pki do not belong together.`;
    return examined("authority", "mixed up", [authorityBroken({ what })]);
  }
  const { notAfter } = readChain(readCertificates(intermediatePem), undefined);
  return examined("authority", `until ${day(notAfter)}`, [
    now > notAfter - 90 * dayMs ? authorityEndsSoon({ endsOn: day(notAfter) }) : undefined,
  ]);
}

async function checkOwn(
  { pki }: ServerFacts,
  { hosts }: Settings,
  address: string | undefined,
  now: number,
): Promise<Examination> {
  const { path, text, fault } = pki["server.crt"];
  const chain = readCertificates(text ?? "");
  if (text === undefined || chain.length === 0)
    return examined("certificate", "none", [certificateUnreadable({ file: path, reason: fault ?? "no certificate" })]);
  const used = [...hosts, ...(pki.names.text ?? "").split("\n"), hostOf(address ?? "")].filter((name) => name !== "");
  const isRight = await isIssuedFor(text, pki["server.key"].text ?? "", pki["ca.crt"].text ?? "");
  const missing = [...new Set(used)].filter((name) => !readChain(chain, name).isForName);
  const reading = readChain(chain, undefined);
  return examined("certificate", `until ${day(reading.notAfter)}`, [
    isRight ? undefined : certificateForeign({ file: path }),
    dateFinding("the server", reading, now),
    ...missing.map((name) => nameMissing({ name })),
  ]);
}

function checkGiven(
  { certificate, key }: ServerFacts["given"][number],
  {
    hosts,
    knownRoots,
    now,
  }: { readonly hosts: readonly string[]; readonly knownRoots: readonly string[]; readonly now: number },
): Examination {
  const subject = "certificate files";
  const closed = [certificate, key].filter(({ text }) => text === undefined);
  if (closed.length > 0)
    return examined(
      subject,
      "cannot be read",
      closed.map(({ path, fault }) => certificateUnreadable({ file: path, reason: fault ?? "" })),
    );
  const pair = {
    certificatePem: certificate.text ?? "",
    keyPem: key.text ?? "",
    places: { certificate: certificate.path, key: key.path },
  };
  const faults = judgePair(pair, { names: hosts, now, knownRoots });
  const isOpen = (key.mode & 0o007) !== 0;
  const wide = modeTooWide({ path: key.path, mode: key.mode.toString(8).padStart(4, "0"), wanted: "o=" });
  return examined(subject, certificate.path, [...faults.map(givenFinding), isOpen ? wide : undefined]);
}

function givenFinding({ id, isFatal, text }: ReturnType<typeof judgePair>[number]): Finding {
  const end = text.indexOf(". ") + 1;
  const [what, fix] = end === 0 ? [text, ""] : [text.slice(0, end), text.slice(end + 1)];
  return givenCertificateFaulty({ id: id.split(":")[0] ?? id, isFatal, text: what, fix });
}

/** The host of `HOST` or `HOST:PORT`, without brackets. */
function hostOf(registry: string): string {
  const host = isIP(registry) === 0 ? registry.replace(/:[0-9]+$/, "") : registry;
  return host.replace(/^\[(.*)\]$/, "$1");
}

function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
