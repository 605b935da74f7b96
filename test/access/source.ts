import type * as api from "../../src/api/api.ts";
import type * as routes from "../../src/api/routes.ts";
import type * as accessKeys from "../../src/auth/access-keys.ts";
import type * as authenticate from "../../src/auth/authenticate.ts";
import type * as clientCertificates from "../../src/auth/client-certificates.ts";
import type * as clientUserRule from "../../src/core/client-user-rule.ts";
import type * as htpasswd from "../../src/auth/htpasswd.ts";
import type * as processPrincipals from "../../src/auth/process-principals.ts";
import type * as sessions from "../../src/auth/sessions.ts";
import type * as slowHashes from "../../src/auth/slow-hashes.ts";
import type * as signingKeys from "../../src/auth/tokens/signing-keys.ts";
import type * as accessTokens from "../../src/auth/tokens/access-tokens.ts";
import type * as bearerTokens from "../../src/auth/tokens/bearer-tokens.ts";
import type * as tokenHolders from "../../src/auth/tokens/token-holders.ts";
import type * as tokenService from "../../src/auth/tokens/token-service.ts";
import type * as refreshTokens from "../../src/auth/tokens/refresh-tokens.ts";
import type * as refreshTokenStore from "../../src/storage/memory/refresh-token-store.ts";
import type * as watchedAccounts from "../../src/auth/watched-accounts.ts";
import type * as limits from "../../src/core/limits.ts";
import type * as bodies from "../../src/http/request-body.ts";
import type * as audited from "../../src/registry/audited.ts";
import type * as accessControl from "../../src/registry/access-control.ts";
import type * as administration from "../../src/registry/administration.ts";
import type * as blobs from "../../src/registry/blobs.ts";
import type * as catalog from "../../src/registry/catalog.ts";
import type * as keyAdministration from "../../src/registry/key-administration.ts";
import type * as manifests from "../../src/registry/manifests.ts";
import type * as referrers from "../../src/registry/referrers.ts";
import type * as tags from "../../src/registry/tags.ts";
import type * as uploads from "../../src/registry/uploads.ts";
import type * as keyStore from "../../src/storage/memory/access-key-store.ts";
import type * as ruleStore from "../../src/storage/memory/access-rule-store.ts";
import type * as groupStore from "../../src/storage/memory/group-store.ts";
import type * as accountStore from "../../src/storage/memory/account-store.ts";
import type * as blobStore from "../../src/storage/memory/blob-store.ts";
import type * as certificateStore from "../../src/storage/memory/client-certificate-store.ts";
import type * as metadataStore from "../../src/storage/memory/metadata-store.ts";
import type * as accountCache from "../../src/storage/cache/account-store.ts";
import type * as certificateCache from "../../src/storage/cache/client-certificate-store.ts";
import type * as metadataCache from "../../src/storage/cache/metadata-store.ts";
import type * as uploadStore from "../../src/storage/memory/upload-store.ts";
import { join } from "node:path";

/** The parts of the registry that the matrix stands on, as they are in one folder of sources. */
export interface Source {
  readonly api: typeof api;
  readonly routes: typeof routes;
  readonly accessKeys: typeof accessKeys;
  readonly authenticate: typeof authenticate;
  readonly clientCertificates: typeof clientCertificates;
  readonly clientUserRule: typeof clientUserRule;
  readonly htpasswd: typeof htpasswd;
  readonly processPrincipals: typeof processPrincipals;
  readonly sessions: typeof sessions;
  readonly slowHashes: typeof slowHashes;
  readonly signingKeys: typeof signingKeys;
  readonly accessTokens: typeof accessTokens;
  readonly bearerTokens: typeof bearerTokens;
  readonly tokenHolders: typeof tokenHolders;
  readonly tokenService: typeof tokenService;
  readonly refreshTokens: typeof refreshTokens;
  readonly refreshTokenStore: typeof refreshTokenStore;
  readonly watchedAccounts: typeof watchedAccounts;
  readonly limits: typeof limits;
  readonly bodies: typeof bodies;
  readonly accessControl: typeof accessControl;
  readonly audited: typeof audited;
  readonly administration: typeof administration;
  readonly blobs: typeof blobs;
  readonly catalog: typeof catalog;
  readonly keyAdministration: typeof keyAdministration;
  readonly manifests: typeof manifests;
  readonly referrers: typeof referrers;
  readonly tags: typeof tags;
  readonly uploads: typeof uploads;
  readonly keyStore: typeof keyStore;
  readonly ruleStore: typeof ruleStore;
  readonly groupStore: typeof groupStore;
  readonly accountStore: typeof accountStore;
  readonly blobStore: typeof blobStore;
  readonly certificateStore: typeof certificateStore;
  readonly metadataStore: typeof metadataStore;
  readonly accountCache: typeof accountCache;
  readonly certificateCache: typeof certificateCache;
  readonly metadataCache: typeof metadataCache;
  readonly uploadStore: typeof uploadStore;
}

const files: Readonly<Record<keyof Source, string>> = {
  api: "api/api.ts",
  routes: "api/routes.ts",
  accessKeys: "auth/access-keys.ts",
  authenticate: "auth/authenticate.ts",
  clientCertificates: "auth/client-certificates.ts",
  clientUserRule: "core/client-user-rule.ts",
  htpasswd: "auth/htpasswd.ts",
  processPrincipals: "auth/process-principals.ts",
  sessions: "auth/sessions.ts",
  slowHashes: "auth/slow-hashes.ts",
  signingKeys: "auth/tokens/signing-keys.ts",
  accessTokens: "auth/tokens/access-tokens.ts",
  bearerTokens: "auth/tokens/bearer-tokens.ts",
  tokenHolders: "auth/tokens/token-holders.ts",
  tokenService: "auth/tokens/token-service.ts",
  refreshTokens: "auth/tokens/refresh-tokens.ts",
  refreshTokenStore: "storage/memory/refresh-token-store.ts",
  watchedAccounts: "auth/watched-accounts.ts",
  limits: "core/limits.ts",
  bodies: "http/request-body.ts",
  accessControl: "registry/access-control.ts",
  audited: "registry/audited.ts",
  administration: "registry/administration.ts",
  blobs: "registry/blobs.ts",
  catalog: "registry/catalog.ts",
  keyAdministration: "registry/key-administration.ts",
  manifests: "registry/manifests.ts",
  referrers: "registry/referrers.ts",
  tags: "registry/tags.ts",
  uploads: "registry/uploads.ts",
  keyStore: "storage/memory/access-key-store.ts",
  ruleStore: "storage/memory/access-rule-store.ts",
  groupStore: "storage/memory/group-store.ts",
  accountStore: "storage/memory/account-store.ts",
  blobStore: "storage/memory/blob-store.ts",
  certificateStore: "storage/memory/client-certificate-store.ts",
  metadataStore: "storage/memory/metadata-store.ts",
  accountCache: "storage/cache/account-store.ts",
  certificateCache: "storage/cache/client-certificate-store.ts",
  metadataCache: "storage/cache/metadata-store.ts",
  uploadStore: "storage/memory/upload-store.ts",
};

export const sourceFolder = join(import.meta.dir, "../../src");

/** Loads them from a folder, so that a copy with a fault in it can be asked the same as the registry itself. */
export async function loadSource(folder = sourceFolder): Promise<Source> {
  const load = async ([name, file]: [string, string]): Promise<[string, unknown]> => [
    name,
    await import(join(folder, file)),
  ];
  return Object.fromEntries(await Promise.all(Object.entries(files).map(load))) as unknown as Source;
}
