import { readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { monotonicFactory } from "ulid";
import { createApi } from "./api/api.ts";
import { createControl } from "./api/control.ts";
import { AccessKeys } from "./auth/access-keys.ts";
import { Authenticator } from "./auth/authenticate.ts";
import { ClientCertificates } from "./auth/client-certificates.ts";
import { HtpasswdFile } from "./auth/htpasswd.ts";
import type { DirectoryUsers } from "./auth/ldap/directory-users.ts";
import type { CompanyLogin } from "./auth/oidc/open.ts";
import { hashPassword } from "./auth/password.ts";
import { ProcessPrincipals } from "./auth/process-principals.ts";
import { AccessTokens } from "./auth/tokens/access-tokens.ts";
import { BearerTokens } from "./auth/tokens/bearer-tokens.ts";
import { RefreshTokens } from "./auth/tokens/refresh-tokens.ts";
import { SigningKeys } from "./auth/tokens/signing-keys.ts";
import { TokenHolders } from "./auth/tokens/token-holders.ts";
import { TokenService } from "./auth/tokens/token-service.ts";
import { Sessions } from "./auth/sessions.ts";
import { WatchedAccounts } from "./auth/watched-accounts.ts";
import { AcmeCertificate } from "./certificates/acme/acme-certificate.ts";
import { DnsHook } from "./certificates/acme/dns-hook.ts";
import { HttpChallenges } from "./certificates/acme/http-challenges.ts";
import { CertificateFiles } from "./certificates/certificate-files.ts";
import { CertificateMaintenance } from "./certificates/certificate-maintenance.ts";
import { ListenerCertificates, type ShownCertificate } from "./certificates/listener-certificates.ts";
import { readRotationClients, RotationWatch } from "./certificates/rotation-clients.ts";
import { OwnCertificates } from "./certificates/own-certificates.ts";
import type { CertificateSource } from "./certificates/source.ts";
import type { CertificateFilesSetting, ListenerSetting } from "./config/listener.ts";
import type { Settings } from "./config/settings.ts";
import type { Administration, RegistryStatus } from "./core/administration.ts";
import type { AuditSink } from "./core/audit-sink.ts";
import type { AuditReading, AuditState } from "./core/audit-state.ts";
import type { AuditStore } from "./core/audit-store.ts";
import type { BlobStore } from "./core/blob-store.ts";
import type { CertificateAdministration } from "./core/certificate-administration.ts";
import type { ClientCertificateStore } from "./core/client-certificate-store.ts";
import type { Clock } from "./core/clock.ts";
import type { MetadataStore } from "./core/metadata-store.ts";
import type { OidcUserStore } from "./core/oidc-user-store.ts";
import type { Principal } from "./core/principal.ts";
import type { RefreshTokenStore } from "./core/refresh-token-store.ts";
import { parseRepositoryName, type RepositoryName } from "./core/repository-name.ts";
import type { Ulid, UlidSource } from "./core/ulid.ts";
import type { UploadStore } from "./core/upload-store.ts";
import type { RegistryIdentity } from "./enrolment/identity.ts";
import { createOriginReader } from "./http/asked-origin.ts";
import { type CertificateListenOptions, listenForCertificates } from "./http/client-certificate-listener.ts";
import { AddressInUseError, type Listener, listen } from "./http/listener.ts";
import { BodyReader } from "./http/request-body.ts";
import { type Log, silentLog } from "./log.ts";
import { readDescription } from "./pki/certificate.ts";
import type { Pki } from "./pki/open.ts";
import { issueClientCertificate, openClientAuthority } from "./pki/client-authority.ts";
import { readClientCertificate, splitCertificates } from "./pki/client-certificate.ts";
import { PkiFolder } from "./process/pki-folder.ts";
import { preparePrivateSockets } from "./process/private-sockets.ts";
import { clearSelfTest, markSelfTest, unfinishedSelfTest } from "./process/self-test-mark.ts";
import { AccessControl } from "./registry/access-control.ts";
import { LocalAdministration, operator } from "./registry/administration.ts";
import { LocalAuditReading } from "./registry/audit-reading.ts";
import { AuditTrail } from "./registry/audit-trail.ts";
import { recordSettings } from "./registry/audited-settings.ts";
import { auditedAdministration, auditedCertificates, auditedOwnKeys } from "./registry/audited.ts";
import { Blobs } from "./registry/blobs.ts";
import { Catalog } from "./registry/catalog.ts";
import { MeasuredDiskReserve } from "./registry/disk-reserve.ts";
import { KeyAdministration } from "./registry/key-administration.ts";
import { Manifests } from "./registry/manifests.ts";
import type { SignClientCertificate } from "./registry/client-certificates.ts";
import type { RegistryPorts } from "./registry/ports.ts";
import type { PrincipalNamesPorts } from "./registry/principal-by-name.ts";
import { Referrers } from "./registry/referrers.ts";
import { Tags } from "./registry/tags.ts";
import { Uploads } from "./registry/uploads.ts";
import { cacheAccounts } from "./storage/cache/account-store.ts";
import { cacheClientCertificates } from "./storage/cache/client-certificate-store.ts";
import { cacheMetadata } from "./storage/cache/metadata-store.ts";
import { AuditFile, auditLines } from "./storage/filesystem/audit-file.ts";
import { openFilesystem } from "./storage/filesystem/open.ts";
import { openAuditDatabase } from "./storage/sqlite/audit/open.ts";
import { openSqlite } from "./storage/sqlite/open.ts";

export { AddressInUseError };

/**
 * The composition root: the one place that knows every layer. Settings go in, a running registry comes out.
 * What the machine around is (folder, lock, names, certificates) was found out before, by `cli` and `process`.
 */
export interface AppOptions {
  readonly settings: Settings;
  readonly programVersion: string;
  readonly log: Log;
  /** Opens the authority and the server's certificate, and renews that when it is due; called again and again. */
  readonly openPki: () => Promise<Pki>;
  /** Where the commands of this machine come in; in a folder that only the owner may enter. */
  readonly controlSocket: string;
  /** What clients write before the repository, for the state. */
  readonly address: () => string | undefined;
  /** The same where only clients with a certificate are let in; undefined where there is no such listener. */
  readonly clientCertificateAddress: () => string | undefined;
  /** What clients are enrolled with; undefined where they cannot be. */
  readonly identity: () => RegistryIdentity | undefined;
  readonly onLogin: (principal: Principal) => void;
  /** Takes the record as lines of JSON, where it is to go to standard output; undefined where nothing serves. */
  readonly auditOutput?: ((lines: string) => void) | undefined;
  /** Hears of what the registry cannot go on without; it answers `UNAVAILABLE` until it is stopped. */
  readonly onFault: (reason: string) => void;
}

/** Who tests the registry from within: somebody who exists in this process's memory only, and only for loopback. */
interface ProcessCredential {
  readonly name: string;
  readonly secret: string;
  readonly repository: RepositoryName;
}

/** A place where the registry is met. */
export interface AppListener {
  readonly setting: ListenerSetting;
  readonly port: number | undefined;
  /** What a client is shown now that asks for this name, or for none; undefined without TLS. */
  shown(name: string | undefined): ShownCertificate | undefined;
}

/** A running registry. */
export interface App {
  /** In the settings' order; the port is what was bound. */
  readonly listeners: readonly AppListener[];
  readonly administration: Administration;
  /** Runs `work` with a credential made for it; afterwards the credential and all that it pushed are gone. */
  asProcess(work: (credential: ProcessCredential) => Promise<void>): Promise<void>;
  /** Takes no more connections, lets requests in flight end, and closes the stores. */
  stop(): Promise<void>;
}

/** The stores of a data folder; the caller holds its lock. */
interface Stores {
  readonly metadata: MetadataStore;
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

/** The record: what is told of it, and what is asked. */
interface Audit {
  readonly trail: AuditTrail;
  readonly reading: AuditReading;
  readonly store: AuditStore;
}

const hourMs = 60 * 60 * 1000;
const usesWrittenEveryMs = 20_000;
const writingUses = "writing when access keys were used";
/** Twice this is how long the access keys of somebody live who was taken out of the directory. */
const directoryRefreshMs = 5 * 60 * 1000;

const clock: Clock = { now: () => Date.now() };
const makeUlid = monotonicFactory();
const ulids: UlidSource = { next: () => makeUlid() as Ulid };

/** Opens what is in the folder, or makes it. Rejects for a folder that a newer dozo wrote. */
async function openStores(
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
  const record = await openRecord(settings, options);
  const metadata = cacheMetadata(database.metadata);
  const audit = { ...record, reading: new LocalAuditReading({ ...record, metadata, keepDays: settings.auditDays }) };
  const keys = await AccessKeys.open(database.keys, clock);
  return {
    metadata,
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

/** Where nothing serves, nobody drops what the server's own settings may keep. */
async function openRecord(
  { data, auditDays, auditMaxBytes, auditFile }: Settings,
  { programVersion, log, auditOutput }: Pick<AppOptions, "programVersion" | "log" | "auditOutput">,
): Promise<Omit<Audit, "reading">> {
  const onFault = (reason: string): void => log.error("the record of what happens has ended", { reason });
  const store = await openAuditDatabase({ file: `${data}/audit.db`, programVersion, onFault });
  const isServing = auditOutput !== undefined;
  const trail = await AuditTrail.open({
    store,
    sink: auditSink(auditFile, auditOutput),
    clock,
    onTrouble: (state) => logTrouble(log, state),
    freeBytes: async () => {
      const { bavail, bsize } = await statfs(data);
      return bavail * bsize;
    },
    keepDays: isServing ? auditDays : Infinity,
    maxBytes: isServing ? auditMaxBytes : Infinity,
  });
  return { trail, store };
}

function auditSink(file: string | undefined, output: AppOptions["auditOutput"]): AuditSink | undefined {
  if (file !== "-") return file === undefined ? undefined : new AuditFile(file);
  return output === undefined ? undefined : { write: async (events) => output(auditLines(events)) };
}

function logTrouble(log: Log, { trouble, lost }: AuditState): void {
  if (trouble === undefined) return log.info("the record of what happens is written again", { lost });
  const { missing, reason } = trouble;
  const what = { pulls: "pulls are", everything: "what happens is", file: "what happens is in auditFile" }[missing];
  log.error(`${what} not recorded; the registry goes on`, { reason });
}

/** Something of a folder that nobody serves. */
export interface Opened<UseCases> {
  readonly useCases: UseCases;
  close(): Promise<void>;
}

/** The operator's use cases about certificates on a folder that nobody serves. */
export async function openCertificates(
  settings: Settings,
  programVersion: string,
): Promise<Opened<CertificateAdministration>> {
  const files = new PkiFolder(`${settings.data}/pki`);
  const clients = (): ReturnType<typeof readRotationClients> => readRotationClients(files);
  const maintenance = new CertificateMaintenance({ files, clock, change: (work) => work(), clients });
  const { trail } = await openRecord(settings, { programVersion, log: silentLog });
  return { useCases: auditedCertificates(maintenance, trail), close: () => trail.close() };
}

/** The operator's questions about what happened on a folder that nobody serves. */
export async function openAuditReading(settings: Settings, programVersion: string): Promise<Opened<AuditReading>> {
  const stores = await openStores(settings, { programVersion, log: silentLog, onFault: () => undefined });
  return { useCases: stores.audit.reading, close: () => stores.close() };
}

/** The operator's use cases on a folder that nobody serves. */
export async function openAdministration(settings: Settings, programVersion: string): Promise<Opened<Administration>> {
  const certificate = await new PkiFolder(`${settings.data}/pki`).read("server.crt");
  const certificateEndsAt = certificate === undefined ? undefined : readDescription(certificate)?.notAfter;
  const stores = await openStores(settings, { programVersion, log: silentLog, onFault: () => undefined });
  const status = () => ({
    version: programVersion,
    pid: undefined,
    address: undefined,
    clientCertificateAddress: undefined,
    tls: undefined,
    certificateEndsAt,
  });
  const isHtpasswdUser = async (name: string): Promise<boolean> => {
    const htpasswd = await openHtpasswd(settings, silentLog);
    htpasswd?.stop();
    return htpasswd?.users.has(name) === true;
  };
  const keys = new KeyAdministration({ keys: stores.keys, clock, ulids });
  const findDirectoryUser = async (name: string): Promise<Principal | undefined> =>
    (await openDirectory(settings, stores, isHtpasswdUser, silentLog))?.find(name);
  const local = administer({ ...stores, keys }, settings.data, { isHtpasswdUser, findDirectoryUser }, status);
  return { useCases: auditedAdministration(local, stores.audit.trail), close: () => stores.close() };
}

async function openHtpasswd({ htpasswd }: Settings, log: Log): Promise<HtpasswdFile | undefined> {
  return htpasswd === undefined ? undefined : HtpasswdFile.open({ path: htpasswd, clock, log });
}

/** Undefined where the settings name none; else nothing of it is loaded. */
async function openDirectory(
  { ldap }: Settings,
  { accounts, access }: Stores,
  isHtpasswdUser: (name: string) => Promise<boolean>,
  log: Log,
): Promise<DirectoryUsers | undefined> {
  if (ldap.urls.length === 0) return undefined;
  const { openDirectoryUsers } = await import("./auth/ldap/open.ts");
  const isTaken = async (name: string): Promise<boolean> =>
    (await accounts.findUser(name)) !== undefined ||
    (await accounts.findRobot(name)) !== undefined ||
    isHtpasswdUser(name);
  const replaceGroups: AccessControl["replaceGroups"] = (...groups) => access.replaceGroups(...groups);
  return openDirectoryUsers(ldap, { accounts, isTaken, replaceGroups, by: operator.id, ulids, clock, log });
}

/** The same. */
async function openProvider(
  { oidc: { issuer, clientId, ...rest } }: Settings,
  { accounts, access, oidcUsers: users }: Stores,
  isHtpasswdUser: (name: string) => Promise<boolean>,
  log: Log,
): Promise<CompanyLogin | undefined> {
  if (issuer === undefined || clientId === undefined) return undefined;
  const { openCompanyLogin } = await import("./auth/oidc/open.ts");
  const isTaken = async (name: string): Promise<boolean> =>
    (await accounts.findUser(name)) !== undefined ||
    (await accounts.findRobot(name)) !== undefined ||
    (await accounts.findExternalPrincipal("ldap", name)) !== undefined ||
    isHtpasswdUser(name);
  const changesOf = (name: string): number => accounts.changesOf(name);
  const replaceGroups: AccessControl["replaceGroups"] = (...groups) => access.replaceGroups(...groups);
  const ports = { users, isTaken, changesOf, replaceGroups, ulids, clock, log };
  return openCompanyLogin({ ...rest, issuer, clientId }, ports);
}

function administer(
  stores: Omit<Stores, "keys"> & { readonly keys: KeyAdministration },
  folder: string,
  elsewhere: Pick<PrincipalNamesPorts, "isHtpasswdUser" | "findDirectoryUser">,
  processStatus: () => Pick<
    RegistryStatus,
    "version" | "pid" | "address" | "clientCertificateAddress" | "tls" | "certificateEndsAt"
  >,
): LocalAdministration {
  const { accounts, access, keys, certificates, oidcUsers, metadata, blobs, audit } = stores;
  const signClientCertificate: SignClientCertificate = async (request) =>
    issueClientCertificate(await openClientAuthority(new PkiFolder(`${folder}/pki`), clock), request);
  const kept = { accounts, access, certificates, oidcUsers, metadata, blobs, audit: audit.reading };
  const ports = { clock, ulids, hashPassword, signClientCertificate, processStatus };
  return new LocalAdministration({ ...kept, keys, ...ports, ...elsewhere });
}

/** Opens the stores, puts the registry on them, and listens. Rejects with `AddressInUseError`; nothing is left open then. */
export async function openApp(options: AppOptions): Promise<App> {
  const stores = await openStores(options.settings, options);
  const serving: Serving = { listeners: [], timers: [], isReady: false, endings: [] };
  try {
    return await serve(options, stores, serving);
  } catch (error) {
    await stopServing(serving, 0);
    await stores.close();
    throw error;
  }
}

/** What has been started so far, so that it can be stopped whatever comes. */
interface Serving {
  readonly listeners: Listener[];
  readonly timers: ReturnType<typeof setInterval>[];
  isReady: boolean;
  /** What else has to end, in this order. */
  readonly endings: (() => unknown)[];
}

async function serve(options: AppOptions, stores: Stores, serving: Serving): Promise<App> {
  const { settings, log } = options;
  await removeSelfTest(stores, settings.data);
  const certificates = await OwnCertificates.open({ open: options.openPki, clock, log });
  const pkiFiles = new PkiFolder(`${settings.data}/pki`);
  const rotation = new RotationWatch({ files: pkiFiles, clock, log });
  const watchRotation = (): Promise<void> => rotation.follow(certificates.pki.announced !== undefined);
  await watchRotation();
  serving.endings.push(
    () => certificates.stop(),
    () => rotation.stop(),
  );
  const status = () => ({
    version: options.programVersion,
    pid: process.pid,
    address: options.address(),
    clientCertificateAddress: options.clientCertificateAddress(),
    tls: tlsAt(options.address(), options.identity()),
    certificateEndsAt: certificates.pki.certificate.notAfter,
  });
  const htpasswd = await openHtpasswd(settings, log);
  const isHtpasswdUser = async (name: string): Promise<boolean> => {
    await htpasswd?.refreshIfDue();
    return htpasswd?.users.has(name) === true;
  };
  const keys = new KeyAdministration({ keys: stores.keys, clock, ulids });
  const directory = await openDirectory(settings, stores, isHtpasswdUser, log);
  const findDirectoryUser = async (name: string): Promise<Principal | undefined> => directory?.find(name);
  const local = administer({ ...stores, keys }, settings.data, { isHtpasswdUser, findDirectoryUser }, status);
  const { trail, reading } = stores.audit;
  await recordSettings(settings, stores.audit);
  const administration = auditedAdministration(local, trail);
  const processPrincipals = new ProcessPrincipals(ulids);
  const { accounts, certificates: issued } = stores;
  const { onLogin } = options;
  const rules = settings.clientUsers;
  const clientCertificates = new ClientCertificates({ accounts, certificates: issued, rules, clock });
  const { decide } = stores.access;
  const signingKeys = await SigningKeys.open({ files: new PkiFolder(`${settings.data}/tokens`), clock, log });
  serving.timers.push(every(hourMs, log, "change of the key for tokens", () => signingKeys.rotateIfDue()));
  const tokens = new AccessTokens(signingKeys, clock);
  const { secret } = signingKeys;
  const held = { accounts, accessKeys: stores.keys, htpasswd };
  const holders = new TokenHolders({ ...held, clientCertificates, decide, clock, ulids, secret });
  const bearerTokens = new BearerTokens(tokens, holders);
  const refreshTokens = new RefreshTokens({ store: stores.refreshTokens, clock, log, secret });
  serving.timers.push(every(hourMs, log, "removal of idle refresh tokens", () => refreshTokens.removeIdle()));
  if (directory !== undefined) {
    void directory.announce();
    const refresh = (): Promise<void> => directory.refresh();
    serving.timers.push(every(directoryRefreshMs, log, "look at who is still in the directory (ldap)", refresh));
  }
  const logins = { ...held, directory, clientCertificates, bearerTokens, processPrincipals, onLogin };
  const authenticator = new Authenticator({ ...logins, clock, ulids, log });
  serving.endings.push(
    () => authenticator.stop(),
    () => htpasswd?.stop(),
  );
  const ports = registryPorts(stores, settings);
  const uploads = new Uploads(ports);
  const handle = createApi({
    blobs: new Blobs(ports),
    uploads,
    manifests: new Manifests(ports),
    tags: new Tags(ports),
    referrers: new Referrers(ports),
    catalog: new Catalog(ports),
    administration: (actor) => auditedAdministration(local.as(actor), trail, actor),
    audit: trail,
    authenticate: authenticator.authenticate,
    sessions: new Sessions({
      clock,
      versionOf: (name) => `${accounts.changesOf(name)} ${htpasswd?.users.get(name)?.text ?? ""}`,
    }),
    ownKeys: (principal) => auditedOwnKeys(keys, trail, principal),
    oidc: await openProvider(settings, stores, isHtpasswdUser, log),
    tokens: new TokenService({ tokens, holders, refreshTokens, decide }),
    challenge: settings.challenge,
    originOf: createOriginReader({
      ownNames: () => [
        ...certificates.pki.certificate.names,
        ...settings.hosts,
        ...[...showcases].flatMap((shown) => shown.current().flatMap(({ serverNames }) => serverNames)),
      ],
      address: options.address,
      // Where nothing here speaks TLS and clients have to know of a certificate all the same, a proxy has it.
      isBehindTls: () => settings.listen.every(({ tls }) => tls === "off") && options.identity() !== undefined,
      trustedProxies: settings.trustedProxies,
    }),
    decide,
    limits: settings.limits,
    caPem: () => (isOwnMet() ? certificates.pki.trustPem : undefined),
    identity: options.identity,
    onUse: (address, user) => rotation.clients?.used(address ?? "unknown", user),
    onTrustFetched: (address) => rotation.clients?.fetched(address ?? "unknown"),
    ready: () => serving.isReady,
    trustedProxies: settings.trustedProxies,
    bodies: new BodyReader(settings.uploadSilenceSeconds * 1000),
    log,
    clock,
  });
  const sockets = preparePrivateSockets(options.controlSocket);
  const more: CertificateSource[] = [];
  for (const files of settings.certificates) more.push(await openFiles(files, settings, serving, log));
  const httpsPort = (): number =>
    bound.find(({ setting }) => setting.tls !== "off" && setting.clientCertificates === undefined)?.port ?? 443;
  const acme = await openAcme(settings, httpsPort, log);
  if (acme !== undefined) more.push(acme.certificate);
  serving.endings.push(() => acme?.certificate.stop());
  const bound: AppListener[] = [];
  // Behind a proxy nobody meets it here; whoever asks all the same is told.
  const isOwnMet = (): boolean => showcases.size === 0 || [...showcases].some(({ hasOwn }) => hasOwn);
  const showcases = new Set<ListenerCertificates>();
  for (const setting of settings.listen) {
    const { address, tls } = setting;
    const usual = typeof tls === "string" ? certificates : await openFiles(tls, settings, serving, log);
    const shown = new ListenerCertificates({ usual, more, own: certificates });
    const listener =
      setting.clientCertificates === undefined
        ? listen({ address, tls: tls === "off" ? undefined : shown.current(), handle })
        : await listenWithIdentity(options, setting, { tls: shown.current(), handle, sockets, clientCertificates });
    serving.listeners.push(listener);
    bound.push({ setting, port: listener.port, shown: (name) => (tls === "off" ? undefined : shown.shown(name)) });
    if (tls === "off") continue;
    showcases.add(shown);
    shown.watch(() => void attempt(log, "swap of the certificate", () => listener.replaceCertificate(shown.current())));
  }
  const maintenance = new CertificateMaintenance({
    files: pkiFiles,
    clock,
    change: async (work) => {
      await certificates.change(work);
      await watchRotation();
    },
    clients: () => Promise.resolve(rotation.clients?.list() ?? []),
  });
  const control = createControl({
    administration,
    certificates: auditedCertificates(maintenance, trail),
    audit: reading,
  });
  serving.listeners.push(listen({ address: { unix: options.controlSocket }, tls: undefined, handle: control }));
  const removeIdle = (): Promise<unknown> => uploads.expireIdle();
  serving.timers.push(every(hourMs, log, "removal of idle uploads", removeIdle));
  serving.timers.push(every(usesWrittenEveryMs, log, writingUses, () => stores.keys.writeUses()));
  const answerer = acme?.prover;
  if (answerer instanceof HttpChallenges) {
    const { httpListen } = settings.acme;
    const answer = (request: Request): Response => answerer.handle(request);
    serving.listeners.push(listen({ address: httpListen, tls: undefined, handle: answer }));
  }
  acme?.certificate.start();
  serving.isReady = true;
  // Without keeping anybody waiting, and to its end before the stores are closed.
  const firstRemoval = attempt(log, "removal of idle uploads", removeIdle);
  serving.endings.push(() => firstRemoval);
  return {
    listeners: bound,
    administration,
    asProcess: (work) => asProcess(processPrincipals, stores, settings.data, work),
    stop: async () => {
      await stopServing(serving, settings.stopGraceSeconds * 1000);
      await stores.close();
    },
  };
}

function tlsAt(address: string | undefined, identity: RegistryIdentity | undefined): RegistryStatus["tls"] {
  if (address === undefined) return undefined;
  if (identity === undefined) return "off";
  return identity.caPem === undefined ? "other" : "own";
}

function registryPorts(stores: Stores, settings: Settings): RegistryPorts {
  const { metadata, blobs, uploads } = stores;
  const reserve = new MeasuredDiskReserve({ blobs, clock }, settings);
  return { metadata, blobs, uploads, clock, ulids, limits: settings.limits, reserve };
}

/** The operator's certificate; it has to be for every name where it is the only one that is shown. */
async function openFiles(
  files: CertificateFilesSetting,
  { hosts, listen: listeners, certificates }: Settings,
  serving: Serving,
  log: Log,
): Promise<CertificateFiles> {
  const all = new Set([...listeners.map(({ tls }) => tls).filter((tls) => tls !== "off"), ...certificates]);
  const source = await CertificateFiles.open({ ...files, names: hosts, isOnly: all.size === 1, clock, log });
  serving.endings.push(() => source.stop());
  return source;
}

/** Undefined where no name is to be asked for. Nothing is asked yet: that begins when the registry listens. */
async function openAcme(
  settings: Settings,
  httpsPort: () => number,
  log: Log,
): Promise<{ readonly certificate: AcmeCertificate; readonly prover: HttpChallenges | DnsHook } | undefined> {
  const { names, directory, directoryCa, email, dnsHook } = settings.acme;
  if (names.length === 0) return undefined;
  const prover = dnsHook === undefined ? new HttpChallenges({ names, httpsPort }) : new DnsHook(dnsHook);
  const folder = `${settings.data}/acme`;
  const common = { folder, names, directory, directoryCa, email, prover };
  return { certificate: await AcmeCertificate.open({ ...common, clock, chance: Math.random, log }), prover };
}

/** A listener that lets in only who shows a client certificate that counts. */
async function listenWithIdentity(
  { settings, log }: AppOptions,
  { address }: ListenerSetting,
  parts: Pick<CertificateListenOptions, "tls" | "handle" | "sockets"> & {
    readonly clientCertificates: ClientCertificates;
  },
): Promise<Listener> {
  if ("unix" in address) throw new Error("a Unix socket has no TLS, and so no client certificates");
  const { certificatePem } = await openClientAuthority(new PkiFolder(`${settings.data}/pki`), clock);
  const given = settings.clientCa === undefined ? [] : splitCertificates(readFileSync(settings.clientCa, "utf8"));
  return listenForCertificates({
    ...parts,
    address,
    authorities: [certificatePem, ...given],
    identify: async (der) => {
      const certificate = readClientCertificate(der, certificatePem);
      const verdict = await parts.clientCertificates.judge(certificate);
      return verdict.kind === "refused" ? verdict.reason : certificate;
    },
    onRefused: (reason, client) => log.info("a client certificate was refused", { client, reason }),
  });
}

async function asProcess(
  principals: ProcessPrincipals,
  stores: Stores,
  folder: string,
  work: (credential: ProcessCredential) => Promise<void>,
): Promise<void> {
  const credential = principals.admit("self-test");
  const repository = `self-test/${ulids.next().toLowerCase()}` as RepositoryName;
  markSelfTest(folder, repository);
  try {
    await work({ name: credential.name, secret: credential.secret, repository });
  } finally {
    principals.revoke(credential);
    await removeSelfTest(stores, folder);
  }
}

/** Removes every trace of the self-test that the folder's mark names, also of one that was killed. */
async function removeSelfTest({ metadata, blobs }: Stores, folder: string): Promise<void> {
  const repository = unfinishedSelfTest(folder);
  if (repository === undefined) return;
  for (const key of await metadata.purgeRepository(parseRepositoryName(repository))) await blobs.delete(key);
  clearSelfTest(folder);
}

function every(periodMs: number, log: Log, what: string, work: () => Promise<unknown>): ReturnType<typeof setInterval> {
  const timer = setInterval(() => void attempt(log, what, work), periodMs);
  timer.unref();
  return timer;
}

async function attempt(log: Log, what: string, work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    log.error(`${what} failed; it is tried again later`, { error });
  }
}

async function stopServing(serving: Serving, graceMs: number): Promise<void> {
  serving.isReady = false;
  for (const timer of serving.timers) clearInterval(timer);
  await Promise.all(serving.listeners.map((listener) => listener.stop(graceMs)));
  for (const end of serving.endings) await end();
}
