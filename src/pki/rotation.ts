import type { Clock } from "../core/clock.ts";
import { type CertificateAuthority, createAuthority } from "./certificate-authority.ts";
import { describeCertificate } from "./certificate.ts";
import { authorityConstraints } from "./name-constraints.ts";
import { PkiError } from "./pki-error.ts";
import type { PkiFiles } from "./pki-files.ts";

/*
 * Another authority beside the one that signs: first only announced, so that clients can trust both, then put in its place. The
 * old one cannot vouch for it: the key of its root was thrown away. So every client has to be told.
 */

const dayMs = 86_400_000;

/** How long clients have to get to know a new root before it is needed. */
export const announcementMs = 30 * dayMs;

/** An authority that is announced and signs nothing yet. */
export interface AnnouncedAuthority {
  readonly rootPem: string;
  readonly announcedAt: number;
  /** Names that the certificate gets with it, which the old one may not certify. */
  readonly names: readonly string[];
}

interface RotationRecord {
  readonly announcedAt: number;
  readonly names: readonly string[];
  /** The new authority is being put into the place of the old one; what was begun is ended by whoever opens the folder. */
  readonly isFinishing: boolean;
}

/** Undefined where none is announced. */
export async function readRotation(files: PkiFiles): Promise<AnnouncedAuthority | undefined> {
  const record = await readRecord(files);
  const rootPem = await files.read("next-root.crt");
  if (record === undefined || rootPem === undefined) return undefined;
  return { rootPem, announcedAt: record.announcedAt, names: record.names };
}

/** What a new authority is made for, beyond all that the old one may certify. */
export interface AnnouncementOptions {
  readonly files: PkiFiles;
  readonly clock: Clock;
  readonly names: readonly string[];
  readonly suffixes: readonly string[];
}

/**
 * Makes an authority that may certify what the old one may, and more, and announces it. Throws `PkiError` where one is announced
 * already, or there is none to follow.
 */
export async function announceAuthority({ files, clock, names, suffixes }: AnnouncementOptions): Promise<void> {
  const old = await files.read("ca.crt");
  const certificatePem = await files.read("server.crt");
  if (old === undefined || certificatePem === undefined)
    throw new PkiError(`there is no certificate authority in ${files.location} yet. Make one with: dozo up`);
  const before = await readRotation(files);
  if (before !== undefined)
    throw new PkiError(
      `a new authority has been announced since ${day(before.announcedAt)} already. ` +
        "See who knows it: dozo ca show; serve it: dozo ca rotate --finish; take it back: dozo ca rotate --cancel",
    );
  const constraints = authorityConstraints(old);
  const hostNames = [...names, ...describeCertificate(certificatePem).names];
  const scope = { hostNames, suffixes: [...constraints.dns, ...suffixes], publicAddresses: constraints.addresses };
  const next = await createAuthority(scope, clock.now());
  await files.write("next-root.crt", next.rootPem);
  await files.write("next-ca.crt", next.intermediatePem);
  await files.write("next-ca.key", next.keyPem);
  // The last: without it none is announced, and what was written is written anew.
  await writeRecord(files, { announcedAt: clock.now(), names, isFinishing: false });
}

/** Takes the announcement back. Clients that trust the new root already go on doing so, which harms nobody: its key is gone. */
export async function cancelRotation(files: PkiFiles): Promise<void> {
  await files.remove("rotation");
  await removeNext(files);
}

/** Puts the announced authority into the place of the old one, whose key is then gone. Throws `PkiError` where none is announced. */
export async function switchAuthority(files: PkiFiles): Promise<void> {
  const record = await readRecord(files);
  if (record === undefined) throw nothingAnnounced();
  await writeRecord(files, { ...record, isFinishing: true });
  await endSwitch(files);
}

/** Ends a switch that was interrupted. Only for who has the folder alone. */
export async function endSwitch(files: PkiFiles): Promise<void> {
  const record = await readRecord(files);
  if (record?.isFinishing !== true) return;
  const next = await readNext(files);
  await files.write("root.crt", next.rootPem);
  await files.write("ca.crt", next.intermediatePem);
  await files.write("ca.key", next.keyPem);
  await cancelRotation(files);
}

/** For a rotation that was not begun. */
export function nothingAnnounced(): PkiError {
  return new PkiError("no new authority is announced. Announce one with: dozo ca rotate");
}

async function readNext(files: PkiFiles): Promise<CertificateAuthority> {
  const [rootPem, intermediatePem, keyPem] = await Promise.all([
    files.read("next-root.crt"),
    files.read("next-ca.crt"),
    files.read("next-ca.key"),
  ]);
  if (rootPem !== undefined && intermediatePem !== undefined && keyPem !== undefined)
    return { rootPem, intermediatePem, keyPem };
  throw new PkiError(`the announced authority in ${files.location} is not complete: put back its files of a backup`);
}

async function removeNext(files: PkiFiles): Promise<void> {
  for (const name of ["next-ca.key", "next-ca.crt", "next-root.crt"] as const) await files.remove(name);
}

async function readRecord(files: PkiFiles): Promise<RotationRecord | undefined> {
  const text = await files.read("rotation");
  return text === undefined ? undefined : (JSON.parse(text) as RotationRecord);
}

async function writeRecord(files: PkiFiles, record: RotationRecord): Promise<void> {
  await files.write("rotation", `${JSON.stringify(record)}\n`);
}

function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
