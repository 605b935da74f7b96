import { CertificateMaintenance } from "../certificates/certificate-maintenance.ts";
import { readRotationClients } from "../certificates/rotation-clients.ts";
import type { Settings } from "../config/settings.ts";
import type { Administration } from "../core/administration.ts";
import type { AuditReading } from "../core/audit-state.ts";
import type { CollectionAdministration } from "../core/collection-administration.ts";
import type { CertificateAdministration } from "../core/certificate-administration.ts";
import type { VerificationAdministration } from "../core/verification-administration.ts";
import { silentLog } from "../log.ts";
import { readDescription } from "../pki/certificate.ts";
import { PkiFolder } from "../process/pki-folder.ts";
import { auditedAdministration, auditedCertificates } from "../registry/audited.ts";
import { KeyAdministration } from "../registry/key-administration.ts";
import { administer } from "./administer.ts";
import { openAudit } from "./audit.ts";
import { clock, ulids } from "./clock.ts";
import { openGarbageCollection } from "./garbage.ts";
import { openStores, type Stores } from "./stores.ts";
import { openVerification } from "./verification.ts";
import { namesElsewhere } from "./users-elsewhere.ts";

/** Something of a folder that nobody serves; the caller holds its lock. */
export interface Opened<UseCases> {
  readonly useCases: UseCases;
  close(): Promise<void>;
}

/** The operator's use cases about certificates. */
export async function openCertificates(
  settings: Settings,
  programVersion: string,
): Promise<Opened<CertificateAdministration>> {
  const files = new PkiFolder(`${settings.data}/pki`);
  const clients = (): ReturnType<typeof readRotationClients> => readRotationClients(files);
  const maintenance = new CertificateMaintenance({ files, clock, change: (work) => work(), clients });
  const { trail } = await openAudit(settings, { programVersion, log: silentLog });
  return { useCases: auditedCertificates(maintenance, trail), close: () => trail.close() };
}

/** The operator's questions about what happened. */
export async function openAuditReading(settings: Settings, programVersion: string): Promise<Opened<AuditReading>> {
  const stores = await openFolder(settings, programVersion);
  return { useCases: stores.audit.reading, close: () => stores.close() };
}

/** What the operator does with the garbage collection. */
export async function openCollection(
  settings: Settings,
  programVersion: string,
): Promise<Opened<CollectionAdministration>> {
  const stores = await openFolder(settings, programVersion);
  return { useCases: openGarbageCollection(stores, settings), close: () => stores.close() };
}

/** What the operator asks about the soundness of what is stored. */
export async function openVerifying(
  settings: Settings,
  programVersion: string,
): Promise<Opened<VerificationAdministration>> {
  const stores = await openFolder(settings, programVersion);
  return { useCases: openVerification(stores, settings, silentLog), close: () => stores.close() };
}

/** The operator's other use cases. */
export async function openAdministration(settings: Settings, programVersion: string): Promise<Opened<Administration>> {
  const certificate = await new PkiFolder(`${settings.data}/pki`).read("server.crt");
  const certificateEndsAt = certificate === undefined ? undefined : readDescription(certificate)?.notAfter;
  const stores = await openFolder(settings, programVersion);
  const elsewhere = namesElsewhere(settings, stores, silentLog);
  const keys = new KeyAdministration({ keys: stores.keys, clock, ulids });
  const local = administer({ ...stores, keys }, settings, elsewhere, () => ({
    version: programVersion,
    pid: undefined,
    address: undefined,
    clientCertificateAddress: undefined,
    tls: undefined,
    certificateEndsAt,
  }));
  return { useCases: auditedAdministration(local, stores.audit.trail), close: () => stores.close() };
}

function openFolder(settings: Settings, programVersion: string): Promise<Stores> {
  return openStores(settings, { programVersion, log: silentLog, onFault: () => undefined });
}
