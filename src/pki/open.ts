import { isIP } from "node:net";

import type { Clock } from "../core/clock.ts";
import {
  type CertificateAuthority,
  createAuthority,
  createServerKey,
  isConsistent,
  isPermitted,
  issueServerCertificate,
  NamesNotPermittedError,
  type ServerCertificateRequest,
} from "./certificate-authority.ts";
import {
  type CertificateDescription,
  describeCertificate,
  isIssuedFor,
  isPrivateKey,
  missingNames,
  needsRenewal,
  readDescription,
  renewalAt,
} from "./certificate.ts";
import type { AuthorityScope } from "./name-constraints.ts";
import { PkiError } from "./pki-error.ts";
import type { PkiFiles } from "./pki-files.ts";
import { type AnnouncedAuthority, endSwitch, readRotation } from "./rotation.ts";
import { parseSubjectName } from "./subject-name.ts";

/** Every name that a machine ever had would make a handshake heavy. */
const mostKeptNames = 32;

export interface OpenPkiOptions {
  readonly files: PkiFiles;
  readonly clock: Clock;
  /** What a new authority may certify. Undefined: none may be made, a missing one is an error. */
  readonly scope: AuthorityScope | undefined;
  /** Names and addresses that the operator asked for: one outside the constraints is an error. */
  readonly names: readonly string[];
  /** Those that the machine happens to have: one outside the constraints is left out. */
  readonly foundNames: readonly string[];
}

/** What a server needs for TLS, and its clients for trusting it. */
export interface Pki {
  /** The root that the served chain ends in. */
  readonly rootPem: string;
  /** What clients have to trust: the root, and behind it one that is announced. The file that `/ca.crt` serves, byte for byte. */
  readonly trustPem: string;
  readonly announced: AnnouncedAuthority | undefined;
  /** Of the root, as openssl prints it. */
  readonly fingerprint: string;
  /** Leaf and intermediate. */
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly certificate: CertificateDescription;
  /** Found and added names that the authority may not certify. */
  readonly leftOut: readonly string[];
  readonly isNewAuthority: boolean;
}

/**
 * Opens what is there and makes what is missing: the authority, the server's key, its certificate, in that order. It may be killed
 * at any step and goes on the next time: the authority's key is written last, so an authority without it was never used and is
 * made anew. Called again, it renews the certificate when that is due.
 *
 * Throws `PkiError` for an authority that is missing and may not be made, is damaged, or has come to its end, and
 * `NamesNotPermittedError` for one of `names` that it may not certify.
 */
export async function openPki(options: OpenPkiOptions): Promise<Pki> {
  const { files, clock } = options;
  await endSwitch(files);
  const existing = await readAuthority(files);
  const authority = existing ?? (await makeAuthority(options));
  assertNotAtItsEnd(authority, files, clock.now());
  const others = [...(await readAddedNames(files)), ...options.foundNames];
  const leftOut = others.filter((name) => !isPermitted(authority, name));
  const names = [...options.names, ...others.filter((name) => !leftOut.includes(name))];
  assertPermitted(authority, options.names, files);
  const keyPem = (await files.read("server.key")) ?? (await makeServerKey(files));
  assertIsKey(keyPem, files);
  const certificatePem = await currentCertificate(options, authority, { names, keyPem });

  const { rootPem } = authority;
  const announced = await readRotation(files);
  return {
    rootPem,
    trustPem: rootPem + (announced?.rootPem ?? ""),
    announced,
    fingerprint: describeCertificate(rootPem).fingerprint,
    certificatePem,
    keyPem,
    certificate: describeCertificate(certificatePem),
    leftOut,
    isNewAuthority: existing === undefined,
  };
}

/** What is asked of a renewal that does not wait for its time. */
export interface RenewalOptions {
  readonly files: PkiFiles;
  readonly clock: Clock;
  /** Names that the certificate did not have; they are kept for all that follow. */
  readonly moreNames: readonly string[];
}

/**
 * Makes another server certificate now, of the same key and for the same names and more. Throws `NamesNotPermittedError` for one
 * that the authority may not certify, before anything is written, and `PkiError` where there is nothing to renew.
 */
export async function renewServerCertificate({ files, clock, moreNames }: RenewalOptions): Promise<void> {
  await endSwitch(files);
  const authority = await readAuthority(files);
  const keyPem = await files.read("server.key");
  const current = await files.read("server.crt");
  if (authority === undefined || keyPem === undefined || current === undefined)
    throw new PkiError(`there is no server certificate in ${files.location} yet. Make one with: dozo up`);
  assertNotAtItsEnd(authority, files, clock.now());
  if (isBeforeItsBeginning(authority, clock.now())) throw new PkiError(clockIsWrong(authority, clock.now()));
  assertPermitted(authority, moreNames, files);
  assertIsKey(keyPem, files);
  const description = readDescription(current);
  if (description === undefined)
    throw new PkiError(`server.crt in ${files.location} is damaged. Have another made with: dozo up`);
  // First, so that no renewal of a later time forgets them.
  if (moreNames.length > 0) await addNames(files, moreNames);
  const names = [...description.names, ...moreNames];
  const certifiable = [...names, ...(await readAddedNames(files))].filter((name) => isPermitted(authority, name));
  await makeServerCertificate(files, authority, { names: certifiable, serverKeyPem: keyPem, now: clock.now() });
}

/** The names that were added since the authority was made, which no setting has. */
export async function readAddedNames(files: PkiFiles): Promise<readonly string[]> {
  const text = (await files.read("names")) ?? "";
  return text.split("\n").filter((name) => parseSubjectName(name) !== undefined);
}

/** Keeps names for this and all later certificates, as far as the authority of then may certify them. */
export async function addNames(files: PkiFiles, more: readonly string[]): Promise<void> {
  const canonical = more.map((name) => parseSubjectName(name)?.value ?? name);
  const all = [...new Set([...(await readAddedNames(files)), ...canonical])];
  await files.write("names", all.map((name) => `${name}\n`).join(""));
}

/** What clients have to trust, for whoever only shows it: see `Pki`. `undefined` where no authority has been made. */
export async function readTrust(files: PkiFiles): Promise<string | undefined> {
  const rootPem = (await readAuthority(files))?.rootPem;
  return rootPem === undefined ? undefined : rootPem + ((await readRotation(files))?.rootPem ?? "");
}

/** The authority that signs, its parts belonging together; `undefined` where none was made. Throws `PkiError` where they do not. */
export async function readAuthority(files: PkiFiles): Promise<CertificateAuthority | undefined> {
  const keyPem = await files.read("ca.key");
  if (keyPem === undefined) return undefined;
  const rootPem = await files.read("root.crt");
  const intermediatePem = await files.read("ca.crt");
  if (rootPem !== undefined && intermediatePem !== undefined) {
    const authority = { rootPem, intermediatePem, keyPem };
    if (await isConsistent(authority)) return authority;
  }
  const lost = [...(rootPem === undefined ? ["root.crt"] : []), ...(intermediatePem === undefined ? ["ca.crt"] : [])];
  const found = authorityFiles.filter((name) => !lost.includes(name));
  throw new PkiError(
    `root.crt, ca.crt and ca.key in ${files.location} do not belong together. ` +
      `Put back those of a backup, or ${makeAnew(files, { found })}`,
  );
}

async function makeAuthority({ files, clock, scope }: OpenPkiOptions): Promise<CertificateAuthority> {
  if (scope === undefined)
    throw new PkiError(`there is no certificate authority in ${files.location}. Make one with: dozo up`);
  const authority = await createAuthority(scope, clock.now());
  await files.write("root.crt", authority.rootPem);
  await files.write("ca.crt", authority.intermediatePem);
  await files.write("ca.key", authority.keyPem);
  return authority;
}

async function makeServerKey(files: PkiFiles): Promise<string> {
  const keyPem = await createServerKey();
  await files.write("server.key", keyPem);
  return keyPem;
}

interface ServerIdentity {
  readonly names: readonly string[];
  readonly keyPem: string;
}

/** What is there where it will do, else a new one. */
async function currentCertificate(
  { files, clock }: OpenPkiOptions,
  authority: CertificateAuthority,
  { names, keyPem }: ServerIdentity,
): Promise<string> {
  const now = clock.now();
  const current = await files.read("server.crt");
  const isUsable = current !== undefined && (await isIssuedFor(current, keyPem, authority.intermediatePem));
  if (!isUsable) return makeServerCertificate(files, authority, { names, serverKeyPem: keyPem, now });
  const certificate = describeCertificate(current);
  // What is signed by a clock that stands before the authority's beginning would be good for nobody.
  if (isBeforeItsBeginning(authority, now) || !needsRenewal(certificate, names, now)) return current;
  const atLeastUntil = now < certificate.notBefore ? certificate.notAfter : 0;
  const kept = keptNames(certificate, names, now).filter((name) => isPermitted(authority, name));
  const all = [...names, ...kept];
  return makeServerCertificate(files, authority, { names: all, serverKeyPem: keyPem, now, atLeastUntil });
}

/**
 * What the certificate before was for and the machine does not find now: a name server that is silent for a second, or a start before
 * the network, must not take from clients the name that they use. Addresses change for good, and end with the next renewal.
 */
function keptNames(before: CertificateDescription, names: readonly string[], now: number): readonly string[] {
  const isInTime = now < before.notBefore || now >= renewalAt(before);
  const gone = missingNames(names, before.names);
  return gone.filter((name) => !isInTime || isIP(name) === 0).slice(0, mostKeptNames);
}

async function makeServerCertificate(
  files: PkiFiles,
  authority: CertificateAuthority,
  request: ServerCertificateRequest,
): Promise<string> {
  const certificatePem = await issueServerCertificate(authority, request);
  await files.write("server.crt", certificatePem);
  return certificatePem;
}

function assertPermitted(authority: CertificateAuthority, names: readonly string[], files: PkiFiles): void {
  const malformed = names.filter((name) => parseSubjectName(name) === undefined);
  if (malformed.length > 0) throw new NamesNotPermittedError(malformed, "that is no host name and no address");
  const outside = names.filter((name) => !isPermitted(authority, name));
  if (outside.length === 0) return;
  throw new NamesNotPermittedError(
    outside,
    `the certificate authority in ${files.location} was made without permission for it, and that cannot be changed. ` +
      `Leave the name out. Or announce an authority that may, so that clients can trust it in time: ` +
      `dozo ca rotate${hostFlags(outside)}. Or ${makeAnew(files, { names: outside })}`,
  );
}

function assertIsKey(keyPem: string, files: PkiFiles): void {
  if (isPrivateKey(keyPem)) return;
  const path = quote(`${files.location}/server.key`);
  throw new PkiError(
    `server.key in ${files.location} is damaged. Put back that of a backup, or have a new one made, of which no client that pins the key knows: rm ${path} && dozo up`,
  );
}

function assertNotAtItsEnd(authority: CertificateAuthority, files: PkiFiles, now: number): void {
  const { notAfter } = describeCertificate(authority.intermediatePem);
  if (now < notAfter) return;
  const day = new Date(notAfter).toISOString().slice(0, 10);
  throw new PkiError(`the certificate authority in ${files.location} ended on ${day}: ${makeAnew(files)}`);
}

function isBeforeItsBeginning({ intermediatePem }: CertificateAuthority, now: number): boolean {
  return now < describeCertificate(intermediatePem).notBefore;
}

function clockIsWrong({ intermediatePem }: CertificateAuthority, now: number): string {
  const [clock, beginning] = [now, describeCertificate(intermediatePem).notBefore].map((at) =>
    new Date(at).toISOString().slice(0, 16),
  );
  return (
    `this machine's clock says ${clock ?? ""} UTC, and its certificate authority was made ${beginning ?? ""}. ` +
    "Set the clock first: timedatectl set-ntp true"
  );
}

const authorityFiles = ["root.crt", "ca.crt", "ca.key"] as const;

/** Nothing else is moved: the server's key, the added names and the authority of client certificates outlive it. */
function makeAnew(
  files: PkiFiles,
  {
    names = [],
    found = authorityFiles,
  }: { readonly names?: readonly string[]; readonly found?: readonly string[] } = {},
): string {
  const old = quote(`${files.location}.old`);
  const moved = found.map((name) => quote(`${files.location}/${name}`)).join(" ");
  return (
    "make a new one, which every client then has to trust (added names and client certificates stay): " +
    `stop the server, then: mkdir -m 700 ${old} && mv ${moved} ${old}; ` +
    `and start it with the flags that it always has${names.length > 0 ? " and these" : ""}: dozo up${hostFlags(names)}`
  );
}

function hostFlags(names: readonly string[]): string {
  return names.map((name) => ` --host ${quote(name)}`).join("");
}

function quote(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
