import { AccessKeys } from "../auth/access-keys.ts";
import { WatchedAccounts } from "../auth/watched-accounts.ts";
import type { Settings } from "../config/settings.ts";
import type { BlobStore } from "../core/blob-store.ts";
import type { CollectionStore } from "../core/collection-store.ts";
import type { ClientCertificateStore } from "../core/client-certificate-store.ts";
import type { MetadataStore } from "../core/metadata-store.ts";
import type { OidcUserStore } from "../core/oidc-user-store.ts";
import type { RefreshTokenStore } from "../core/refresh-token-store.ts";
import type { UploadStore } from "../core/upload-store.ts";
import type { VerificationStore } from "../core/verification-store.ts";
import { AccessControl } from "../registry/access-control.ts";
import { LocalAuditReading } from "../registry/audit-reading.ts";
import { Leases } from "../registry/leases.ts";
import { MeasuredDiskReserve } from "../registry/disk-reserve.ts";
import type { RegistryPorts } from "../registry/ports.ts";
import { cacheAccounts } from "../storage/cache/account-store.ts";
import { cacheClientCertificates } from "../storage/cache/client-certificate-store.ts";
import { cacheCollection } from "../storage/cache/collection-store.ts";
import { cacheVerification } from "../storage/cache/verification-store.ts";
import { cacheMetadata } from "../storage/cache/metadata-store.ts";
import { openFilesystem } from "../storage/filesystem/open.ts";
import { openSqlite } from "../storage/sqlite/open.ts";
import type { AppOptions } from "./app-options.ts";
import { type Audit, openAudit } from "./audit.ts";
import { clock, ulids } from "./clock.ts";
import { attempt } from "./serving.ts";

/** The stores of a data folder; the caller holds its lock. */
export interface Stores {
  readonly metadata: MetadataStore;
  readonly collection: CollectionStore;
  readonly verification: VerificationStore;
  readonly leases: Leases;
  readonly accounts: WatchedAccounts;
  readonly access: AccessControl;
  readonly keys: AccessKeys;
  readonly certificates: ClientCertificateStore;
  readonly refreshTokens: RefreshTokenStore;
  readonly oidcUsers: OidcUserStore;
  readonly blobs: BlobStore;
  readonly uploads: UploadStore;
  readonly audit: Audit;
  close(): Promise<void>;
}

/** What writing when access keys were used is called in the log. */
export const writingUses = "writing when access keys were used";

/** Opens what is in the folder, or makes it. Rejects for a folder that a newer dozo wrote. */
export async function openStores(
  settings: Settings,
  options: Pick<AppOptions, "programVersion" | "log" | "onFault" | "auditOutput">,
): Promise<Stores> {
  const { programVersion, log, onFault } = options;
  const { data, minFreeBytes, minFreeShare, uploadSilenceSeconds } = settings;
  const database = await openSqlite({ file: `${data}/dozo.db`, programVersion, onFault });
  const files = await openFilesystem({
    folder: data,
    reserve: { minFreeBytes, minFreeShare },
    silenceMs: uploadSilenceSeconds * 1000,
    log,
  });
  const record = await openAudit(settings, options);
  const metadata = cacheMetadata(database.metadata);
  const audit = { ...record, reading: new LocalAuditReading({ ...record, metadata, keepDays: settings.auditDays }) };
  const keys = await AccessKeys.open(database.keys, clock);
  return {
    metadata,
    collection: cacheCollection(database.collection, metadata),
    verification: cacheVerification(database.verification, metadata),
    leases: new Leases({ metadata, clock }),
    accounts: new WatchedAccounts(cacheAccounts(database.accounts), () => keys.refresh()),
    access: await AccessControl.open(database.rules, database.groups),
    keys,
    certificates: cacheClientCertificates(database.certificates),
    refreshTokens: database.refreshTokens,
    oidcUsers: database.oidcUsers,
    blobs: files.blobs,
    uploads: files.uploads,
    audit,
    close: async () => {
      await audit.trail.close();
      await files.blobs.close();
      await attempt(log, writingUses, () => keys.writeUses());
      await database.close();
    },
  };
}

/** What the use cases of the registry itself stand on. */
export function registryPorts(stores: Stores, settings: Settings): RegistryPorts {
  const { metadata, blobs, uploads, leases } = stores;
  const { limits, keepReferrers } = settings;
  const reserve = new MeasuredDiskReserve({ blobs, clock }, settings);
  return { metadata, blobs, uploads, leases, clock, ulids, limits, reserve, keepsReferrers: keepReferrers };
}
