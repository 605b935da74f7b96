import type { AccessKeyStore } from "../../core/access-key-store.ts";
import type { AccessRuleStore } from "../../core/access-rule-store.ts";
import type { AccountStore } from "../../core/account-store.ts";
import type { CollectionStore } from "../../core/collection-store.ts";
import type { ClientCertificateStore } from "../../core/client-certificate-store.ts";
import type { GroupStore } from "../../core/group-store.ts";
import type { RefreshTokenStore } from "../../core/refresh-token-store.ts";
import type { MetadataStore } from "../../core/metadata-store.ts";
import { SqliteAccessKeyStore } from "./access-key-store.ts";
import type { OidcUserStore } from "../../core/oidc-user-store.ts";
import { SqliteAccessRuleStore } from "./access-rule-store.ts";
import { SqliteAccountStore } from "./account-store.ts";
import { SqliteCollectionStore } from "./collection-store.ts";
import { SqliteClientCertificateStore } from "./client-certificate-store.ts";
import { openWriter } from "./database.ts";
import { SqliteGroupStore } from "./group-store.ts";
import { SqliteMetadataStore } from "./metadata-store.ts";
import { migrations } from "./migrations/all.ts";
import { migrate } from "./migrations/migrate.ts";
import type { changes, reads } from "./operations.ts";
import { SqliteRefreshTokenStore } from "./refresh-token-store.ts";
import { SqliteOidcUserStore } from "./oidc-user-store.ts";
import { DatabaseThread } from "./thread.ts";
import { SqliteVerificationStore } from "./verification-store.ts";
import type { VerificationStore } from "../../core/verification-store.ts";

/** The database's file, and the version of this program, which stands in it for those who come later. */
export interface SqliteOptions {
  readonly file: string;
  readonly programVersion: string;
  /** Hears that a thread ended which nobody closed: from then on nothing can be read or changed. */
  readonly onFault: (reason: string) => void;
}

/** An open database; `close` lets what is under way finish. */
export interface Sqlite {
  readonly metadata: MetadataStore;
  readonly collection: CollectionStore;
  readonly verification: VerificationStore;
  readonly accounts: AccountStore;
  readonly rules: AccessRuleStore;
  readonly groups: GroupStore;
  readonly keys: AccessKeyStore;
  readonly certificates: ClientCertificateStore;
  readonly refreshTokens: RefreshTokenStore;
  readonly oidcUsers: OidcUserStore;
  close(): Promise<void>;
}

/**
 * Opens the database, which is made (mode 0600) or brought to the newest format first, and starts its two threads.
 * Rejects with `NewerFormatError` for one that a newer dozo wrote. Only one process may have it open: the lock of the data
 * folder sees to that.
 */
export async function openSqlite(options: SqliteOptions): Promise<Sqlite> {
  prepare(options);
  const writer = new DatabaseThread<typeof changes>(
    new Worker(new URL("./writer.worker.ts", import.meta.url)),
    options.file,
    options.onFault,
  );
  const reader = new DatabaseThread<typeof reads>(
    new Worker(new URL("./reader.worker.ts", import.meta.url)),
    options.file,
    options.onFault,
  );
  // The writer last: who closes last moves the log into the file.
  const close = async (): Promise<void> => {
    await reader.close();
    await writer.close();
  };
  try {
    await Promise.all([writer.started, reader.started]);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    metadata: new SqliteMetadataStore(reader, writer, close),
    collection: new SqliteCollectionStore(reader, writer),
    verification: new SqliteVerificationStore(reader, writer),
    accounts: new SqliteAccountStore(reader, writer),
    rules: new SqliteAccessRuleStore(reader, writer),
    groups: new SqliteGroupStore(reader, writer),
    keys: new SqliteAccessKeyStore(reader, writer),
    certificates: new SqliteClientCertificateStore(reader, writer),
    refreshTokens: new SqliteRefreshTokenStore(reader, writer),
    oidcUsers: new SqliteOidcUserStore(reader, writer),
    close,
  };
}

/** Nobody is served yet, so this may wait for the disk on the calling thread. */
function prepare({ file, programVersion }: SqliteOptions): void {
  const db = openWriter(file);
  try {
    migrate(db, migrations, programVersion);
  } finally {
    db.close();
  }
}
