import { createApi } from "./api/api.ts";
import { createControl } from "./api/control.ts";
import { administer } from "./composition/administer.ts";
import type { AppOptions } from "./composition/app-options.ts";
import { clock, ulids } from "./composition/clock.ts";
import { openGarbageCollection } from "./composition/garbage.ts";
import { type AppListener, Listeners } from "./composition/listeners.ts";
import { type Logins, openLogins } from "./composition/logins.ts";
import { openOwnAuthority, type OwnAuthority } from "./composition/own-authority.ts";
import { asProcess, type ProcessCredential, removeSelfTest } from "./composition/self-test.ts";
import { attempt, Serving } from "./composition/serving.ts";
import { keepScrubbing, openVerification } from "./composition/verification.ts";
import { openStores, registryPorts, type Stores, writingUses } from "./composition/stores.ts";
import { openProvider, openUsersElsewhere } from "./composition/users-elsewhere.ts";
import type { Administration, RegistryStatus } from "./core/administration.ts";
import type { RegistryIdentity } from "./enrolment/identity.ts";
import { createOriginReader, type OriginReader } from "./http/asked-origin.ts";
import { AddressInUseError, listen } from "./http/listener.ts";
import { BodyReader } from "./http/request-body.ts";
import { auditedAdministration, auditedCertificates, auditedOwnKeys } from "./registry/audited.ts";
import { recordSettings } from "./registry/audited-settings.ts";
import { Blobs } from "./registry/blobs.ts";
import { Catalog } from "./registry/catalog.ts";
import type { GarbageCollection } from "./registry/garbage-collection.ts";
import { KeyAdministration } from "./registry/key-administration.ts";
import { Manifests } from "./registry/manifests.ts";
import { Referrers } from "./registry/referrers.ts";
import { Tags } from "./registry/tags.ts";
import { UnlinkHolds } from "./registry/unlink-holds.ts";
import { Uploads } from "./registry/uploads.ts";

export { AddressInUseError };

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

const minuteMs = 60 * 1000;
const hourMs = 60 * minuteMs;
const usesWrittenEveryMs = 20_000;
const removingIdleUploads = "removal of idle uploads";
const collectingGarbage = "garbage collection";

/**
 * The composition root: settings go in, a running registry comes out. What it is put together from is made in `composition`.
 * Rejects with `AddressInUseError`; nothing is left open then.
 */
export async function openApp(options: AppOptions): Promise<App> {
  const stores = await openStores(options.settings, options);
  const serving = new Serving(options.log);
  try {
    return await serve(options, stores, serving);
  } catch (error) {
    await serving.stop(0);
    await stores.close();
    throw error;
  }
}

async function serve(options: AppOptions, stores: Stores, serving: Serving): Promise<App> {
  const { settings, log } = options;
  await removeSelfTest(stores, settings.data);
  const authority = await openOwnAuthority(options, serving);
  const elsewhere = await openUsersElsewhere(settings, stores, log);
  const logins = await openLogins(options, stores, elsewhere, serving);
  const keys = new KeyAdministration({ keys: stores.keys, clock, ulids });
  const local = administer({ ...stores, keys }, settings, elsewhere, () => statusOf(options, authority));
  const { trail, reading } = stores.audit;
  await recordSettings(settings, stores.audit);
  const listeners = new Listeners(options, authority.certificates, serving);
  const ports = registryPorts(stores, settings);
  const uploads = new Uploads(ports);
  const verification = openVerification(stores, settings, log);
  const handle = createApi({
    blobs: new Blobs(ports, verification),
    uploads,
    manifests: new Manifests(ports),
    tags: new Tags(ports),
    referrers: new Referrers(ports),
    catalog: new Catalog(ports),
    administration: (actor) => auditedAdministration(local.as(actor), trail, actor),
    audit: trail,
    record: reading,
    authenticate: logins.authenticator.authenticate,
    sessions: logins.sessions,
    ownKeys: (principal) => auditedOwnKeys(keys, trail, principal),
    oidc: await openProvider(settings, stores, elsewhere, log),
    tokens: logins.tokens,
    challenge: settings.challenge,
    originOf: originReader(options, authority, listeners),
    decide: stores.access.decide,
    groupsOf: stores.access.groupsOf,
    limits: settings.limits,
    caPem: () => (listeners.isOwnMet ? authority.certificates.pki.trustPem : undefined),
    identity: options.identity,
    onUse: (address, user) => authority.rotation.clients?.used(address ?? "unknown", user),
    onTrustFetched: (address) => authority.rotation.clients?.fetched(address ?? "unknown"),
    ready: () => serving.isReady,
    trustedProxies: settings.trustedProxies,
    bodies: new BodyReader(settings.uploadSilenceSeconds * 1000),
    log,
    clock,
  });
  const administration = auditedAdministration(local, trail);
  const certificates = auditedCertificates(authority.maintenance, trail);
  const unlinkHolds = new UnlinkHolds(clock);
  const garbage = openGarbageCollection(stores, settings, unlinkHolds);
  const control = createControl({ administration, certificates, audit: reading, unlinkHolds, garbage, verification });
  const bound = await listeners.open({ handle, clientCertificates: logins.clientCertificates });
  serving.add(listen({ address: { unix: options.controlSocket }, tls: undefined, handle: control }));
  await keepScrubbing(verification, stores, log, serving);
  keepTidy(options, { stores, uploads, garbage }, serving);
  serving.isReady = true;
  return running(options, stores, serving, { listeners: bound, administration, logins });
}

/** What looks after a registry while it serves. */
interface Tidying {
  readonly stores: Stores;
  readonly uploads: Uploads;
  readonly garbage: GarbageCollection;
}

/** Starts what is done again and again while the registry serves. */
function keepTidy({ log, settings }: AppOptions, { stores, uploads, garbage }: Tidying, serving: Serving): void {
  const removeIdle = (): Promise<unknown> => uploads.expireIdle();
  serving.every(hourMs, removingIdleUploads, removeIdle);
  serving.every(usesWrittenEveryMs, writingUses, () => stores.keys.writeUses());
  serving.every(settings.gcMinutes * minuteMs, collectingGarbage, () => garbage.run());
  // Without keeping anybody waiting, and to its end before the stores are closed.
  const firstRemoval = attempt(log, removingIdleUploads, removeIdle);
  const firstCollection = attempt(log, collectingGarbage, () => garbage.run());
  serving.atEnd(
    () => garbage.stop(),
    () => Promise.all([firstRemoval, firstCollection]),
  );
}

function running(
  { settings }: AppOptions,
  stores: Stores,
  serving: Serving,
  { logins, ...app }: Pick<App, "listeners" | "administration"> & { readonly logins: Logins },
): App {
  return {
    ...app,
    asProcess: (work) => asProcess(logins.processPrincipals, stores, settings.data, work),
    stop: async () => {
      await serving.stop(settings.stopGraceSeconds * 1000);
      await stores.close();
    },
  };
}

function originReader(options: AppOptions, { certificates }: OwnAuthority, listeners: Listeners): OriginReader {
  const { settings, address, identity } = options;
  return createOriginReader({
    ownNames: () => [...certificates.pki.certificate.names, ...settings.hosts, ...listeners.serverNames],
    address,
    // Where nothing here speaks TLS and clients have to know of a certificate all the same, a proxy has it.
    isBehindTls: () => settings.listen.every(({ tls }) => tls === "off") && identity() !== undefined,
    trustedProxies: settings.trustedProxies,
  });
}

/** What only the process around knows of the registry's state. */
function statusOf(options: AppOptions, { certificates }: OwnAuthority) {
  const { programVersion, address, clientCertificateAddress, identity } = options;
  return {
    version: programVersion,
    pid: process.pid,
    address: address(),
    clientCertificateAddress: clientCertificateAddress(),
    tls: tlsAt(address(), identity()),
    certificateEndsAt: certificates.pki.certificate.notAfter,
  };
}

function tlsAt(address: string | undefined, identity: RegistryIdentity | undefined): RegistryStatus["tls"] {
  if (address === undefined) return undefined;
  if (identity === undefined) return "off";
  return identity.caPem === undefined ? "other" : "own";
}
