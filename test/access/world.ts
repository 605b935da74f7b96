import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monotonicFactory } from "ulid";
import type { ApiParts } from "../../src/api/call.ts";
import type { HtpasswdFile } from "../../src/auth/htpasswd.ts";
import type { Authenticator } from "../../src/auth/authenticate.ts";
import type { Sessions } from "../../src/auth/sessions.ts";
import type { ProcessCredential } from "../../src/auth/process-principals.ts";
import type { StoredHash } from "../../src/auth/stored-hash.ts";
import type { WatchedAccounts } from "../../src/auth/watched-accounts.ts";
import type { ClientCertificateStore } from "../../src/core/client-certificate-store.ts";
import { mediaTypes } from "../../src/core/media-type.ts";
import { Leases } from "../../src/registry/leases.ts";
import type { ManifestPut, MetadataStore } from "../../src/core/metadata-store.ts";
import type { GroupSource } from "../../src/core/group.ts";
import type { Principal, PrincipalId } from "../../src/core/principal.ts";
import type { RepositoryPattern } from "../../src/core/repository-pattern.ts";
import type { RepositoryName } from "../../src/core/repository-name.ts";
import type { Ulid } from "../../src/core/ulid.ts";
import type { UploadId } from "../../src/core/upload-session.ts";
import type { Client } from "../../src/http/listener.ts";
import type { AccessControl } from "../../src/registry/access-control.ts";
import type { LocalAdministration } from "../../src/registry/administration.ts";
import { blobsOfAll, type Content, contentIn, latest } from "./content.ts";
import { loadSource, type Source } from "./source.ts";
import { type PersonWords, repositories, type RuleWords, type Words } from "./words.ts";

/** The whole registry with its real Authenticator and its real rules, on stores in memory, as the words describe it. */
export interface World {
  readonly words: Words;
  readonly source: Source;
  readonly handle: (request: Request, client: Client) => Promise<Response>;
  readonly metadata: MetadataStore;
  readonly administration: LocalAdministration;
  readonly certificates: ClientCertificateStore;
  /** The registry's own login of the moment, good from this machine alone. */
  readonly process: ProcessCredential;
  /** Access keys that were made before something happened to whom they are for, by the names of those. */
  readonly formerKeys: ReadonlyMap<string, string>;
  /** Browsers at which somebody is logged in. */
  readonly sessions: Sessions;
  /** Ids of sessions that are over, by what has ended them. */
  readonly formerSessions: Readonly<Record<"idle" | "old" | "changed" | "gone", string>>;
  /** What of the stores was called since this was last emptied. */
  readonly calls: string[];
  /** The id of a rule about `aside` alone. */
  readonly ruleElsewhere: string;
  /** The id of the access key of a robot that does nothing. */
  readonly keyElsewhere: string;
  /** The id of an access key that is not for somebody. */
  readonly keysOfOthers: (name: string) => string;
  /** Who somebody of dozo's own users is. */
  principalOf(name: string): Principal;
  now(): number;
  /** Does something so much earlier. */
  earlier<Result>(milliseconds: number, work: () => Promise<Result>): Promise<Result>;
  /** Whose id the name stands for now. */
  idOf(name: string): PrincipalId;
  /** Begins an upload for somebody. */
  beginUpload(repository: string, by: PrincipalId): Promise<UploadId>;
  /** Puts back what a repository had in the beginning. */
  restore(repository: string): Promise<void>;
  close(): Promise<void>;
}

const operator = "00000000000000000000000000" as PrincipalId;
const startedAt = Date.UTC(2026, 0, 1);
const makeUlid = monotonicFactory();
const nextUlid = (): Ulid => makeUlid() as Ulid;
const clock = { at: startedAt, now: () => clock.at };

export const passwordOf = (name: string): string => `secret of ${name}`;
/** An access key that is good for all that its user may. */
export const unlimited = { repositories: [], actions: [], lifetimeMs: 1000 } as const;
/** Alice's before she changed it; it was in use until then. */
export const formerPassword = "what alice had before";

/** As good as the costly one for what is asked here. */
const hashPassword = (password: string): Promise<string> =>
  Bun.password.hash(password, { algorithm: "argon2id", memoryCost: 8, timeCost: 1 });

/** Makes one of the sources in a folder, the registry's own by default. */
export async function makeWorld(words: Words, folder?: string): Promise<World> {
  const source = await loadSource(folder);
  const calls: string[] = [];
  const metadata = recorded(
    "metadata",
    source.metadataCache.cacheMetadata(new source.metadataStore.MemoryMetadataStore()),
    calls,
  );
  const memoryBlobs = new source.blobStore.MemoryBlobStore();
  const blobs = recorded("blobs", memoryBlobs, calls);
  const uploads = recorded("uploads", new source.uploadStore.MemoryUploadStore(memoryBlobs), calls);
  const memoryAccounts = new source.accountStore.MemoryAccountStore();
  const robotEnds = new Map<PrincipalId, number | undefined>();
  const accessKeys = await source.accessKeys.AccessKeys.open(
    new source.keyStore.MemoryAccessKeyStore((id) => {
      const principal = memoryAccounts.presentPrincipal(id);
      return principal === undefined ? undefined : { principal, principalExpiresAt: robotEnds.get(id) };
    }),
    clock,
  );
  const accounts = new source.watchedAccounts.WatchedAccounts(
    source.accountCache.cacheAccounts(memoryAccounts),
    async () => {
      for (const { id, expiresAt } of await memoryAccounts.listRobots()) robotEnds.set(id, expiresAt);
      await accessKeys.refresh();
    },
  );
  const certificates = source.certificateCache.cacheClientCertificates(
    new source.certificateStore.MemoryClientCertificateStore(),
  );
  const ruleStore = new source.ruleStore.MemoryAccessRuleStore();
  const groupStore = new source.groupStore.MemoryGroupStore(memoryAccounts, ruleStore);
  const access = await source.accessControl.AccessControl.open(ruleStore, groupStore);
  const ulids = { next: nextUlid };
  const htpasswd = await openHtpasswd(source, words);
  const keyAdministration = new source.keyAdministration.KeyAdministration({ keys: accessKeys, clock, ulids });
  const administration = new source.administration.LocalAdministration({
    accounts,
    access,
    challenge: "auto",
    keys: keyAdministration,
    certificates,
    metadata,
    blobs: { space: async () => ({ freeBytes: 1, totalBytes: 1 }) },
    oidcUsers: { listOidcUsers: async () => [], readmitOidcUser: async () => false },
    verification: { facts: async () => ({ damaged: 0, oldestVerifiedAt: undefined }) },
    audit: { summary: () => Promise.reject(new Error("the matrix keeps no record")) },
    clock,
    ulids,
    hashPassword,
    isHtpasswdUser: async (name) => htpasswd.users.has(name),
    findDirectoryUser: async () => undefined,
    signClientCertificate: () => Promise.reject(new Error("certificates of the matrix are written by hand")),
    processStatus: () => ({
      version: "",
      pid: undefined,
      address: undefined,
      clientCertificateAddress: undefined,
      tls: undefined,
      certificateEndsAt: undefined,
    }),
  });
  const processPrincipals = new source.processPrincipals.ProcessPrincipals(ulids);
  const clientCertificates = new source.clientCertificates.ClientCertificates({
    accounts,
    certificates,
    rules: [clientRule(source, "cn:*.example.com=*")],
    clock,
  });
  const { decide } = access;
  const keys = await source.signingKeys.SigningKeys.open({
    files: { read: async () => undefined, write: async () => {} },
    clock,
    log: silence,
  });
  const tokens = new source.accessTokens.AccessTokens(keys, clock);
  const { secret } = keys;
  const holdersParts = { accounts, accessKeys, htpasswd, clientCertificates, decide, clock, ulids, secret };
  const holders = new source.tokenHolders.TokenHolders(holdersParts);
  const store = new source.refreshTokenStore.MemoryRefreshTokenStore();
  const refreshTokens = new source.refreshTokens.RefreshTokens({ store, clock, log: silence, secret });
  const bearerTokens = new source.bearerTokens.BearerTokens(tokens, holders);
  const authenticator = new source.authenticate.Authenticator({
    accounts,
    accessKeys,
    htpasswd,
    clock,
    ulids,
    log: silence,
    processPrincipals,
    clientCertificates,
    bearerTokens,
    slowHashes: rememberingHashes(source),
    failureFloorMs: 0,
    wait: async () => {},
  });
  const limits = { ...source.limits.defaultLimits, uploadsPerPrincipal: 1_000_000, uploadsInAll: 1_000_000 };
  const reserve = { assertRoomFor: async () => {} };
  const leases = new Leases({ metadata, clock });
  const ports = { metadata, blobs, uploads, leases, clock, ulids, limits, reserve, keepsReferrers: false };
  const sessions = new source.sessions.Sessions({
    clock,
    versionOf: (name) => `${accounts.changesOf(name)} ${htpasswd.users.get(name)?.text ?? ""}`,
  });
  const parts: ApiParts = {
    blobs: new source.blobs.Blobs(ports),
    uploads: new source.uploads.Uploads(ports),
    manifests: new source.manifests.Manifests(ports),
    tags: new source.tags.Tags(ports),
    referrers: new source.referrers.Referrers(ports),
    catalog: new source.catalog.Catalog(ports),
    administration: (actor) => administration.as(actor),
    audit: { exchange: () => {} },
    record: { list: async () => [] },
    groupsOf: access.groupsOf,
    authenticate: authenticator.authenticate,
    sessions,
    ownKeys: (principal) => source.audited.auditedOwnKeys(keyAdministration, { change: async () => {} }, principal),
    oidc: undefined,
    tokens: new source.tokenService.TokenService({ tokens, holders, refreshTokens, decide }),
    challenge: "auto",
    originOf: () => "https://registry.test",
    decide,
    limits,
    caPem: () => "-----BEGIN CERTIFICATE-----\n",
    identity: () => undefined,
    onUse: () => {},
    onTrustFetched: () => {},
    ready: () => true,
    trustedProxies: [],
    bodies: new source.bodies.BodyReader(1000),
    log: silence,
    clock,
  };
  const handle = source.api.createApi(parts);
  const formerKeys = await enrolPeople({ words, administration, accounts, access, authenticator });
  await administration.robots.add({ name: "sleeper", owner: undefined, expiresAt: undefined });
  const { id: keyElsewhere } = await administration.createKey("sleeper", unlimited);
  const ids = await idsOf(accounts);
  const ended = await endedRobots(administration);
  for (const { id, name } of await accounts.listRobots()) ids.set(name, id);
  const keyOfRoot = await administration.createKey("root", unlimited);
  const keyOfAlice = await administration.createKey("alice", unlimited);
  const world: World = {
    words,
    source,
    handle,
    metadata,
    administration,
    certificates,
    process: processPrincipals.admit("matrix"),
    formerKeys: new Map([...formerKeys, ...ended]),
    sessions,
    formerSessions: await endSessions(sessions, accounts, administration),
    calls,
    keysOfOthers: (name) => (name === "root" ? keyOfAlice : keyOfRoot).id,
    principalOf: (name) => {
      const principal = memoryAccounts.presentPrincipal(ids.get(name) ?? operator);
      if (principal === undefined) throw new Error(`there is no ${name}`);
      return principal;
    },
    ruleElsewhere: (await administration.listRules()).find(({ repositories: about }) => about === "aside")?.id ?? "",
    keyElsewhere,
    now: clock.now,
    earlier: async (milliseconds, work) => {
      clock.at = startedAt - milliseconds;
      try {
        return await work();
      } finally {
        clock.at = startedAt;
      }
    },
    idOf: (name) => ids.get(name) ?? operator,
    beginUpload: async (repository, by) => {
      const id = nextUlid();
      const session = { id, repository: repository as RepositoryName, startedBy: by, startedAt, touchedAt: startedAt };
      await metadata.createUpload(session, { perPrincipal: Infinity, inAll: Infinity });
      return id;
    },
    restore: (repository) => restore(metadata, repository as RepositoryName),
    close: async () => {
      htpasswd.stop();
      await authenticator.stop();
    },
  };
  for (const { name } of repositories) await world.restore(name);
  return world;
}

const silence = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Notes each call of a store's methods. */
function recorded<Store extends object>(name: string, store: Store, calls: string[]): Store {
  return new Proxy(store, {
    get: (target, key) => {
      const member: unknown = Reflect.get(target, key, target);
      if (typeof member !== "function") return member;
      return (...given: unknown[]): unknown => {
        calls.push(`${name}.${String(key)}`);
        return Reflect.apply(member, target, given) as unknown;
      };
    },
  });
}

/** Computes each hash once: thousands of wrong passwords are the same few. */
function rememberingHashes({ slowHashes }: Source): InstanceType<Source["slowHashes"]["SlowHashes"]> {
  const known = new Map<string, Promise<boolean>>();
  return new (class extends slowHashes.SlowHashes {
    override matches(password: string, hash: StoredHash): Promise<boolean> {
      const key = JSON.stringify([password, hash]);
      const answer = known.get(key) ?? super.matches(password, hash);
      known.set(key, answer);
      return answer;
    }
  })();
}

async function openHtpasswd(source: Source, { people }: Words): Promise<HtpasswdFile> {
  const folder = await mkdtemp(join(tmpdir(), "dozo-access-"));
  try {
    const path = join(folder, "htpasswd");
    const names = people.filter(({ isInHtpasswd }) => isInHtpasswd).map(({ name }) => name);
    // Robots have no password, not even where the file has a line for the name.
    const lines = [...names, "ci"].map(htpasswdLine);
    await writeFile(path, (await Promise.all(lines)).join(""), { mode: 0o600 });
    return await source.htpasswd.HtpasswdFile.open({ path, clock, log: silence });
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function htpasswdLine(name: string): Promise<string> {
  return `${name}:${await Bun.password.hash(passwordOf(name), { algorithm: "bcrypt", cost: 4 })}\n`;
}

function clientRule({ clientUserRule }: Source, text: string) {
  const rule = clientUserRule.parseClientUserRule(text);
  if (typeof rule === "string") throw new Error(rule);
  return rule;
}

/** Everybody as the words have them, and what has happened to some of them since. Answers the keys of those who were removed. */
async function enrolPeople({
  words: { people, robots, rules },
  administration,
  accounts,
  access,
  authenticator,
}: {
  readonly words: Words;
  readonly administration: LocalAdministration;
  readonly accounts: WatchedAccounts;
  readonly access: AccessControl;
  readonly authenticator: Authenticator;
}): Promise<ReadonlyMap<string, string>> {
  const login = (name: string, password: string): unknown =>
    authenticator.authenticate(`Basic ${btoa(`${name}:${password}`)}`, "192.0.2.1");
  for (const { name, isAdmin, isInHtpasswd } of people) {
    const password = name === "alice" ? formerPassword : passwordOf(name);
    if (!isInHtpasswd) await administration.addUser({ name, password, isAdmin });
  }
  await administration.groups.add("dev");
  for (const { name, owner } of robots) await administration.robots.add({ name, owner, expiresAt: undefined });
  for (const { id } of await administration.listRules()) await administration.removeRule(id);
  for (const rule of rules) await addRule(rule, administration, access);
  // Each of them was logged in when it happened, so what is remembered of a login is asked too.
  await login("alice", formerPassword);
  await administration.changePassword("alice", passwordOf("alice"));
  const keys = new Map<string, string>();
  await administration.robots.add({ name: "orphan", owner: "gone", expiresAt: undefined });
  keys.set("orphan", (await administration.createKey("orphan", unlimited)).key);
  for (const name of ["gone", "again"]) {
    keys.set(name, (await administration.createKey(name, unlimited)).key);
    await login(name, passwordOf(name));
    await administration.removeUser(name);
  }
  await administration.addUser({ name: "again", password: passwordOf("again"), isAdmin: false });
  const ids = await idsOf(accounts);
  await joinGroups(people, ids, access);
  const members = [...people, ...robots].filter(({ groups }) => groups?.includes("group:dev")).map(({ name }) => name);
  await administration.groups.join("dev", [...members, "leo"]);
  await administration.groups.leave("dev", ["leo"]);
  return keys;
}

/** Robots that are nobody any more, and their keys. */
async function endedRobots(administration: LocalAdministration): Promise<ReadonlyMap<string, string>> {
  const keys = new Map<string, string>();
  for (const name of ["ended", "scrapped"]) {
    const expiresAt = name === "ended" ? startedAt - 1 : undefined;
    clock.at = startedAt - 60_000;
    await administration.robots.add({ name, owner: undefined, expiresAt });
    keys.set(name, (await administration.createKey(name, { ...unlimited, lifetimeMs: "never" })).key);
    clock.at = startedAt;
  }
  await administration.robots.remove("scrapped");
  return keys;
}

/** Begins sessions, and ends them in every way but the one that asks for it. */
async function endSessions(
  sessions: Sessions,
  accounts: WatchedAccounts,
  administration: LocalAdministration,
): Promise<World["formerSessions"]> {
  const minuteMs = 60_000;
  const begin = async (name: string): Promise<string> => {
    const user = await accounts.findUser(name);
    if (user === undefined) throw new Error(`there is no ${name}`);
    return sessions.begin({ id: user.id, name, isAdmin: user.isAdmin, kind: "user", source: "dozo" });
  };
  clock.at = startedAt - 13 * 60 * minuteMs;
  const old = await begin("root");
  // In use all the time.
  for (; clock.at < startedAt; clock.at += 20 * minuteMs) sessions.find(old);
  clock.at = startedAt - 31 * minuteMs;
  const idle = await begin("root");
  clock.at = startedAt;
  const password = "what it was at first";
  for (const name of ["former", "fugitive"]) await administration.addUser({ name, password, isAdmin: true });
  const [changed, gone] = [await begin("former"), await begin("fugitive")];
  await administration.changePassword("former", passwordOf("former"));
  await administration.removeUser("fugitive");
  return { idle, old, changed, gone };
}

async function addRule(rule: RuleWords, administration: LocalAdministration, access: AccessControl): Promise<void> {
  const [source, name] = rule.who.split(":");
  const { effect, actions, who } = rule;
  if (who !== "anonymous" && name === undefined) {
    await administration.addRule(rule);
    return;
  }
  const group = {
    kind: "group",
    source: source === "group" ? "dozo" : (source as GroupSource),
    name: name ?? "",
  } as const;
  const subject = who === "anonymous" ? ({ kind: "anonymous" } as const) : group;
  const ruled = { effect, actions, subject, repositories: rule.repositories as RepositoryPattern };
  await access.add({ id: nextUlid(), ...ruled }, { by: operator, at: startedAt });
}

async function joinGroups(
  people: readonly PersonWords[],
  ids: ReadonlyMap<string, PrincipalId>,
  access: AccessControl,
): Promise<void> {
  for (const { name, groups = [] } of people) {
    for (const source of ["ldap", "oidc"] as const) {
      const names = groups.filter((each) => each.startsWith(`${source}:`)).map((each) => each.slice(source.length + 1));
      await access.replaceGroups(ids.get(name) ?? operator, source, names);
    }
  }
}

async function idsOf(accounts: WatchedAccounts): Promise<Map<string, PrincipalId>> {
  const users = await accounts.listUsers();
  const ids = new Map(users.map(({ name, id }) => [name, id]));
  return ids.set("hugo", await accounts.externalPrincipal("htpasswd", "hugo", nextUlid(), startedAt));
}

async function restore(metadata: MetadataStore, repository: RepositoryName): Promise<void> {
  await metadata.purgeRepository(repository);
  const isThere = repositories.some(({ name, exists }) => exists && name === repository);
  if (!isThere) return;
  const { layer, image, referrer, ownTag } = contentIn(repository);
  for (const blob of [...blobsOfAll, layer]) await putBlob(metadata, repository, blob);
  await putManifest(metadata, repository, image, {
    blobs: [...blobsOfAll, layer].map(namedContent),
    tags: [latest, ownTag],
    mediaType: mediaTypes.ociManifest,
  });
  await putManifest(metadata, repository, referrer, { subject: image.digest, mediaType: mediaTypes.ociIndex });
}

function namedContent({ digest, text }: Content): ManifestPut["blobs"][number] {
  return { digest, sizeBytes: Buffer.byteLength(text) };
}

async function putBlob(metadata: MetadataStore, repository: RepositoryName, { digest, text }: Content): Promise<void> {
  const bytes = Buffer.from(text);
  const blob = { digest, sizeBytes: bytes.byteLength, content: { kind: "inline", bytes } } as const;
  await metadata.commitBlob({ repository, blob, uploadId: undefined, by: operator, at: startedAt });
}

async function putManifest(
  metadata: MetadataStore,
  repository: RepositoryName,
  { digest, text }: Content,
  more: Partial<ManifestPut> & Pick<ManifestPut, "mediaType">,
): Promise<void> {
  const preconditions = {
    mayCreateTag: true,
    mayOverwriteTag: true,
    blobsMustExist: true,
    manifestsMustExist: true,
  };
  await metadata.putManifest({
    repository,
    digest,
    bytes: Buffer.from(text),
    blobs: [],
    manifests: [],
    subject: undefined,
    referrer: {},
    tags: [],
    preconditions,
    by: operator,
    at: startedAt,
    ...more,
  });
}
