import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";

import { parseSubjectName } from "./subject-name.ts";

/** A certificate with its chain and its key, as somebody else made them, and where they came from. */
export interface GivenPair {
  readonly certificatePem: string;
  readonly keyPem: string;
  /** What messages call the two, usually their files. */
  readonly places: { readonly certificate: string; readonly key: string };
}

/** What a pair is judged against. */
export interface PairDemands {
  /** Names and addresses that clients use. */
  readonly names: readonly string[];
  readonly now: number;
  /** Roots that clients usually have, PEM. */
  readonly knownRoots: readonly string[];
}

/** One thing that is wrong with a pair, and the words that mend it. */
export interface PairFault {
  /** The same for the same fault, whichever pair has it. */
  readonly id: string;
  /** It cannot be served at all. The others only make clients refuse it. */
  readonly isFatal: boolean;
  /** What is wrong and what helps, one sentence each. */
  readonly text: string;
}

/** A chain that could be read, the server's own certificate first. */
interface Chain {
  readonly leaf: X509Certificate;
  readonly all: readonly X509Certificate[];
}

/**
 * Everything that is wrong with a pair, the weightiest first: both can be read, the key is the certificate's, the chain is in order
 * and leads to a root, today is within the dates, the names that clients use are in it.
 */
export function judgePair(pair: GivenPair, demands: PairDemands): readonly PairFault[] {
  const chain = readChain(pair);
  if (isFault(chain)) return [chain];
  const key = readKey(pair);
  if (isFault(key)) return [key];
  const foreign = judgeKey(pair, chain, key);
  if (foreign !== undefined) return [foreign];
  return [
    ...judgeOrder(pair, chain),
    ...judgeDates(pair, chain, demands.now),
    ...judgeNames(pair, chain.leaf, demands.names),
    ...judgeEnd(pair, chain, demands.knownRoots),
  ];
}

const pemBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const beginning = /-----BEGIN CERTIFICATE-----/g;

function readChain({ certificatePem, places }: GivenPair): Chain | PairFault {
  const { certificate: file } = places;
  const blocks = certificatePem.match(pemBlock) ?? [];
  const begun = certificatePem.match(beginning)?.length ?? 0;
  if (begun === 0) {
    const found = certificatePem.includes("PRIVATE KEY-----") ? ", but a private key" : "";
    const remedy =
      found === ""
        ? `If it is binary (DER), this makes a text of it: openssl x509 -inform DER -in ${quote(file)} -out ${quote(`${file}.pem`)}`
        : "The two files may have changed places.";
    return fatal("no-certificate", `${file} holds no certificate in PEM form${found}. ${remedy}`);
  }
  const all: X509Certificate[] = [];
  for (const block of blocks) {
    try {
      all.push(new X509Certificate(block));
    } catch {
      break;
    }
  }
  const [leaf] = all;
  if (leaf !== undefined && all.length === begun) return { leaf, all };
  return fatal(
    "damaged-certificate",
    `${file} breaks off or is damaged in its certificate ${all.length + 1} of ${begun}. Copy the whole file there again.`,
  );
}

function readKey({ keyPem, places }: GivenPair): KeyObject | PairFault {
  const { key: file } = places;
  try {
    return createPrivateKey(keyPem);
  } catch {
    if (keyPem.includes("ENCRYPTED"))
      return fatal(
        "encrypted-key",
        `the key in ${file} is locked with a passphrase. Write it without one: openssl pkey -in ${quote(file)} -out ${quote(`${file}.open`)} && chmod 600 ${quote(`${file}.open`)}`,
      );
    if (!keyPem.includes("PRIVATE KEY-----"))
      return fatal("no-key", `${file} holds no private key in PEM form. Name the file of the certificate's key.`);
    return fatal(
      "damaged-key",
      `the private key in ${file} breaks off or is damaged. Copy the whole file there again.`,
    );
  }
}

function judgeKey({ places }: GivenPair, { leaf, all }: Chain, key: KeyObject): PairFault | undefined {
  if (leaf.checkPrivateKey(key)) return undefined;
  const at = all.findIndex((each) => each.checkPrivateKey(key));
  if (at > 0)
    return fatal(
      "not-first",
      `in ${places.certificate} the certificate of the key is number ${at + 1}. Write it first, then the one that signed it, and so on.`,
    );
  return fatal(
    "foreign-key",
    `the key in ${places.key} is not the one of the certificate in ${places.certificate} (${subjectOf(leaf)}). Put the key there that the certificate was asked for with.`,
  );
}

function judgeOrder({ places }: GivenPair, { all }: Chain): readonly PairFault[] {
  const at = all.findIndex((each, index) => {
    const next = all[index + 1];
    return next !== undefined && !isSignedBy(each, next);
  });
  if (at < 0) return [];
  return [
    fault(
      "order",
      `in ${places.certificate} certificate ${at + 2} did not sign certificate ${at + 1} (${subjectOf(all[at])}, signed by ${issuerOf(all[at])}). Write the server's certificate first, then the one that signed it, and so on.`,
    ),
  ];
}

function judgeDates({ places }: GivenPair, { all }: Chain, now: number): readonly PairFault[] {
  return all.flatMap((each, index) => {
    const [begins, ends] = [Date.parse(each.validFrom), Date.parse(each.validTo)];
    const which = index === 0 ? "the certificate" : `certificate ${index + 1} (${subjectOf(each)})`;
    if (now >= ends)
      return [
        fault(
          index === 0 ? "expired" : "expired-issuer",
          `${which} in ${places.certificate} ended on ${day(ends)}. Put a newer one there; if it is in force, this machine's clock is wrong.`,
        ),
      ];
    if (now < begins)
      return [
        fault(
          "not-yet",
          `${which} in ${places.certificate} is in force from ${day(begins)} on only. If that is past, this machine's clock is wrong.`,
        ),
      ];
    return [];
  });
}

function judgeNames({ places }: GivenPair, leaf: X509Certificate, names: readonly string[]): readonly PairFault[] {
  if (leaf.subjectAltName === undefined)
    return [
      fault(
        "no-names",
        `the certificate in ${places.certificate} has no names (subjectAltName), and clients look nowhere else. Have one made with them.`,
      ),
    ];
  return names
    .filter((name) => !coversName(leaf, name))
    .map((name) =>
      fault(
        `name:${name}`,
        `the certificate in ${places.certificate} is not for ${name}, which clients use. It is for ${leaf.subjectAltName?.replaceAll(/(?:DNS|IP Address):/g, "") ?? ""}.`,
      ),
    );
}

/** A chain may end with a root, or with what a root signed that clients have. */
function judgeEnd({ places }: GivenPair, { all }: Chain, knownRoots: readonly string[]): readonly PairFault[] {
  const last = all.at(-1);
  if (last === undefined || isSignedBy(last, last)) return [];
  const isKnown = knownRoots.some((pem) => {
    const root = parse(pem);
    return root !== undefined && root.subject === last.issuer && isSignedBy(last, root);
  });
  if (isKnown) return [];
  return [
    fault(
      `open-chain:${issuerOf(last)}`,
      `the chain in ${places.certificate} ends with a certificate of ${issuerOf(last)}, which is no root that this machine knows: clients that do not know it either will refuse. Add the certificate of ${issuerOf(last)} at the end of the file.`,
    ),
  ];
}

function coversName(leaf: X509Certificate, name: string): boolean {
  const parsed = parseSubjectName(name);
  if (parsed === undefined) return false;
  return (parsed.kind === "ip" ? leaf.checkIP(parsed.value) : leaf.checkHost(parsed.value)) !== undefined;
}

function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function parse(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

function isFault(value: object): value is PairFault {
  return "isFatal" in value;
}

function fatal(id: string, text: string): PairFault {
  return { id, isFatal: true, text };
}

function fault(id: string, text: string): PairFault {
  return { id, isFatal: false, text };
}

function subjectOf(certificate: X509Certificate | undefined): string {
  return oneLine(certificate?.subject ?? "");
}

function issuerOf(certificate: X509Certificate | undefined): string {
  return oneLine(certificate?.issuer ?? "");
}

function oneLine(name: string): string {
  return name === "" ? "no subject" : name.replaceAll("\n", ", ");
}

function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

function quote(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
