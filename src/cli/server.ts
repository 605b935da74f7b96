import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { AddressInUseError, type App, openApp } from "../app.ts";
import type { AppListener } from "../composition/listeners.ts";
import { isLoopbackListener, type ListenerSetting } from "../config/listener.ts";
import type { LoadedSettings } from "../config/load.ts";
import { defaultListener, type Settings } from "../config/settings.ts";
import { createLog, type LineOutput, type OpenLog, openStandardOutput } from "../log.ts";
import type { RegistryIdentity } from "../enrolment/identity.ts";
import { enrolmentLine } from "../enrolment/line.ts";
import { splitCertificates } from "../pki/client-certificate.ts";
import { openPki, type Pki } from "../pki/open.ts";
import { findFreePort, rememberedPort, rememberPort } from "../process/chosen-port.ts";
import { prepareControlSocket } from "../process/control-socket.ts";
import { openDataFolder, prepareDataFolder } from "../process/data-folder.ts";
import { ExplainedError } from "../process/explained-error.ts";
import { removeFirstPassword } from "../process/first-password.ts";
import { checkFolder } from "../process/folder-check.ts";
import { lockFolder } from "../process/folder-lock.ts";
import { findHostNames, type HostNames, isLoopbackAddress } from "../process/host-names.ts";
import { assertOwnAddress } from "../process/own-address.ts";
import { PkiFolder } from "../process/pki-folder.ts";
import { findPortHolder, type PortHolder } from "../process/port-holder.ts";
import { runSelfTest, type SelfTestTrust } from "../process/self-test.ts";
import { banner, isWildcard, registryAddress, type MetTls } from "./banner.ts";
import type { CommandContext } from "./command-context.ts";
import { identityAt } from "./enroll.ts";
import { ensureFirstUser, type FirstUser } from "./first-user.ts";
import { stopSignal } from "./stop-signal.ts";

export interface ServerOptions {
  readonly loaded: LoadedSettings;
  /** `up`: what is missing is made. `serve`: it is an error. */
  readonly isFirstRunAllowed: boolean;
  /** Of the first user, where it was given. */
  readonly password: string | undefined;
}

/** Runs the registry of a data folder until a signal ends it. */
export async function runServer(context: CommandContext, options: ServerOptions): Promise<void> {
  const settings = { ...options.loaded.settings, data: resolve(options.loaded.settings.data) };
  if (settings.htpasswd !== undefined) requireHtpasswd(settings.htpasswd);
  if (settings.clientCa !== undefined) requireAuthority(settings.clientCa, "for client certificates");
  if (settings.ldap.ca !== undefined) requireAuthority(settings.ldap.ca, "of the directory");
  if (settings.oidc.ca !== undefined) requireAuthority(settings.oidc.ca, "of the OpenID Connect provider");
  const { searcher } = settings.ldap;
  if (searcher !== undefined)
    requireSecret(searcher.passwordFile, "password for the directory (ldap.bindPasswordFile)");
  const { clientSecretFile } = settings.oidc;
  if (clientSecretFile !== undefined)
    requireSecret(clientSecretFile, "secret for the OpenID Connect provider (oidc.clientSecretFile)");
  for (const host of listenHosts(settings.listen)) await assertOwnAddress(host);
  if (options.isFirstRunAllowed) prepareDataFolder(settings.data);
  else openDataFolder(settings.data);
  const release = lockFolder(settings.data);
  // From here on a signal ends a start in good order, too.
  const signal = stopSignal();
  const log = createLog({ level: settings.logLevel, format: settings.logFormat });
  const record = openStandardOutput();
  try {
    for (const warning of checkFolder(settings.data)) log.warn(warning);
    const fault = Promise.withResolvers<never>();
    // Whoever waits for it comes later; until then it is no unhandled rejection.
    fault.promise.catch(() => undefined);
    const onFault = (reason: string): void => fault.reject(brokenDown(reason));
    const app = await startServer(
      context,
      { ...options, loaded: { ...options.loaded, settings }, onFault, record },
      log,
    );
    // What only the start needed, compiled code above all, is a tenth of the memory that an idle registry has.
    Bun.shrink();
    try {
      const name = await Promise.race([signal, fault.promise]);
      context.output.note(`stopping after ${name}`);
    } finally {
      await app.stop();
    }
    context.output.note("stopped");
  } finally {
    log.flush();
    record.flushSync();
    release();
  }
}

/** Asked before anything is made. */
function requireHtpasswd(file: string): void {
  if (existsSync(file)) return;
  throw new ExplainedError(`the htpasswd file ${file} is not there`, `htpasswd -cB ${file} NAME makes one`);
}

/** The same. */
function requireAuthority(file: string, what: string): void {
  try {
    splitCertificates(readFileSync(file, "utf8"));
  } catch (error) {
    throw new ExplainedError(
      `the authority ${what} ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      `openssl x509 -noout -subject -in ${file} has to show it`,
      error,
    );
  }
}

/** The same. */
function requireSecret(file: string, what: string): void {
  try {
    readFileSync(file);
  } catch (error) {
    throw new ExplainedError(
      `the ${what} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      `write it there, readable for this user alone: (umask 077; cat > ${file})`,
      error,
    );
  }
}

/** Better a new process than one that answers everybody that it cannot. */
function brokenDown(reason: string): ExplainedError {
  return new ExplainedError(`the registry cannot go on: ${reason}`, "nothing acknowledged is lost; start it again");
}

interface StartOptions extends ServerOptions {
  readonly onFault: (reason: string) => void;
  /** Standard output, for the record. */
  readonly record: LineOutput;
}

async function startServer(context: CommandContext, options: StartOptions, log: OpenLog): Promise<App> {
  const { settings } = options.loaded;
  const place = await chooseListeners(options);
  const certificates = certificateSource(context, settings, options.isFirstRunAllowed);
  let address: string | undefined;
  let clientCertificateAddress: string | undefined;
  let identity: (() => RegistryIdentity | undefined) | undefined;
  let firstUserName: string | undefined;
  const app = await openApp({
    settings: { ...settings, listen: place.listen },
    programVersion: context.version,
    log,
    openPki: () => certificates.open(),
    controlSocket: prepareControlSocket(settings.data),
    address: () => address,
    clientCertificateAddress: () => clientCertificateAddress,
    identity: () => identity?.(),
    onFault: options.onFault,
    auditOutput: (lines) => void options.record.write(lines),
    onLogin: (principal) => {
      if (principal.source !== "dozo" || principal.name !== firstUserName) return;
      firstUserName = undefined;
      removeFirstPassword(settings.data);
    },
  }).catch((error: unknown) => explainAddress(error, settings));
  try {
    const firstUser = await firstUserOf(context, options, app);
    firstUserName = firstUser.name;
    const main =
      app.listeners.find(({ setting }) => setting.tls !== "off" && setting.clientCertificates === undefined) ??
      app.listeners.find(({ setting }) => setting.tls !== "off") ??
      app.listeners[0];
    if (main?.port !== undefined && place.isOurChoice) rememberPort(settings.data, main.port);
    const { pki, names } = certificates.last();
    const proxied = proxiedHost(app, settings.hosts, names);
    address = proxied ?? (main === undefined ? undefined : registryAddress(main.setting, main.port, names.publicHost));
    const forCertificates = app.listeners.find(({ setting }) => setting.clientCertificates !== undefined);
    clientCertificateAddress =
      forCertificates && registryAddress(forCertificates.setting, forCertificates.port, names.publicHost);
    const registry = address ?? names.publicHost;
    // A certificate that is being asked for is as good as there: what the banner says holds for longer than it takes to come.
    const awaited = awaitedName(registry, settings);
    const metTls = (): MetTls => (proxied === undefined ? tlsMet(main, registry) : "proxied");
    identity = () => identityAt(registry, metTls(), certificates.last().pki);
    const isAwaited = awaited !== undefined && metTls() === "own";
    const tls = isAwaited ? "other" : metTls();
    const failure = await selfTest(app, pki);
    const hostNotes = [
      ...(isAwaited
        ? [`The certificate for ${awaited} is being asked for; until it is there, dozo's own is shown.`]
        : []),
      ...(proxied === undefined ? unreachableNotes(names, awaited) : [proxyNote(app, proxied)]),
    ];
    const { lines, leftOver } = banner({
      version: context.version,
      folder: settings.data,
      registry,
      tls,
      fingerprint: pki.fingerprint,
      enrolmentLine: enrolmentLineFor(identityAt(registry, tls, pki)),
      user: firstUser.name,
      password: firstUser.passwordLine,
      notes: [
        ...(failure === undefined ? [] : [failure]),
        ...place.notes,
        ...(clientCertificateAddress === undefined ? [] : [certificateNote(clientCertificateAddress)]),
        ...hostNotes,
      ],
    });
    for (const line of leftOver) context.output.note(line);
    // Where the record goes there, nothing else does.
    const print = settings.auditFile === "-" ? context.output.note : context.output.print;
    for (const line of lines) print(line);
    firstUser.shown();
    return app;
  } catch (error) {
    await app.stop();
    throw error;
  }
}

function certificateNote(address: string): string {
  return `Clients with a certificate, and only they, come to ${address}: dozo cert issue --client USER`;
}

function enrolmentLineFor(identity: RegistryIdentity | undefined): string | undefined {
  return identity === undefined ? undefined : enrolmentLine(identity);
}

/** The operator's name for clients, where only this machine's loopback is served, without TLS: a proxy has to be in front. */
function proxiedHost(app: App, hosts: readonly string[], names: HostNames): string | undefined {
  const isBehind = app.listeners.every(({ setting }) => setting.tls === "off" && isLoopbackListener(setting));
  if (!isBehind) return undefined;
  return hosts.find((host) => !names.unreachable.includes(host)) ?? hosts[0];
}

function proxyNote(app: App, host: string): string {
  const [first] = app.listeners;
  const address = first?.setting.address;
  const target =
    address === undefined || "unix" in address
      ? `unix:${address?.unix ?? ""}`
      : `http://${address.host}:${first?.port ?? 0}`;
  return `The proxy in front has to pass https://${host} on to ${target}.`;
}

function unreachableNotes({ unreachable }: HostNames, awaited: string | undefined): readonly string[] {
  return unreachable.map((name) =>
    name === awaited
      ? `${name} does not lead to this machine as far as it can tell; the certificate authority has to find it.`
      : `${name} does not lead to this machine yet; its certificate is ready.`,
  );
}

/** The name under which clients come, where a certificate is asked for it by ACME. */
function awaitedName(registry: string, { acme }: Settings): string | undefined {
  const name = registry.replace(/:[0-9]+$/, "");
  const wildcard = name.replace(/^[^.]+/, "*");
  return acme.names.some((each) => each === name || each === wildcard) ? name : undefined;
}

/** Whose certificate clients meet that come by this address now. */
function tlsMet(listener: AppListener | undefined, registry: string): MetTls {
  const shown = listener?.shown(registry.replace(/:[0-9]+$/, ""));
  if (shown === undefined) return "off";
  return shown.isOwn ? "own" : "other";
}

async function firstUserOf(context: CommandContext, options: ServerOptions, app: App): Promise<FirstUser> {
  const { settings } = options.loaded;
  const { administration } = app;
  if (!options.isFirstRunAllowed && settings.htpasswd === undefined && (await administration.listUsers()).length === 0)
    throw new ExplainedError(`nobody can log in: the first start in ${settings.data} did not end`, "dozo up ends it");
  if (!options.isFirstRunAllowed && (await administration.listUsers()).length === 0)
    return { name: "NAME", passwordLine: undefined, shown: () => {} };
  const wanted = { name: settings.user, password: options.password };
  return ensureFirstUser(settings.data, administration, wanted, context);
}

interface Place {
  readonly listen: Settings["listen"];
  /** Nobody named a listener: the first start chooses the port, the later ones keep it. */
  readonly isOurChoice: boolean;
  readonly notes: readonly string[];
}

async function chooseListeners({ loaded, isFirstRunAllowed }: ServerOptions): Promise<Place> {
  const { settings, chosen } = loaded;
  if (chosen.has("listen") || !("port" in defaultListener.address))
    return { listen: settings.listen, isOurChoice: false, notes: [] };
  const { host, port: usual } = defaultListener.address;
  const known = rememberedPort(settings.data) ?? (isFirstRunAllowed ? undefined : usual);
  const port = known ?? (await findFreePort(host, usual));
  const note = `Port ${usual} is taken${holderText(findPortHolder(usual))}: dozo uses ${port}, now and at every later start.`;
  return {
    listen: [{ ...defaultListener, address: { host, port } }],
    isOurChoice: true,
    notes: known === undefined && port !== usual ? [note] : [],
  };
}

function holderText(holder: PortHolder | undefined): string {
  return holder === undefined ? " by another user's process" : ` by ${holder.program} (process ${holder.pid})`;
}

function explainAddress(error: unknown, { acme }: Settings): never {
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof AddressInUseError && "port" in error.address) {
    const { host, port } = error.address;
    const holder = findPortHolder(port);
    const isForAcme = acme.names.length > 0 && port === acme.httpListen.port;
    const remedy = isForAcme
      ? "prove the names by DNS (--acme-dns-hook), or let that one pass /.well-known/acme-challenge/ on to --acme-http-listen 127.0.0.1:8080"
      : `choose another port: dozo up --listen ${host}:${port + 1}`;
    throw new ExplainedError(
      `port ${port} is taken${holderText(holder)}`,
      holder === undefined ? remedy : `stop that one (kill ${holder.pid}), or ${remedy}`,
      error,
    );
  }
  if (code === "EACCES")
    throw new ExplainedError(
      "this user may not listen on a port below 1024",
      `sudo dozo service install, or sudo sysctl net.ipv4.ip_unprivileged_port_start=${acme.names.length > 0 ? 80 : 443}`,
      error,
    );
  throw error;
}

interface CertificateSource {
  open(): Promise<Pki>;
  /** What the last `open` found. */
  last(): { readonly pki: Pki; readonly names: HostNames };
}

function certificateSource(context: CommandContext, settings: Settings, isFirstRunAllowed: boolean): CertificateSource {
  const files = new PkiFolder(`${settings.data}/pki`);
  let last: { pki: Pki; names: HostNames } | undefined;
  const open = async (): Promise<Pki> => {
    const asked = settings.acme.names.filter((name) => !name.startsWith("*."));
    const names = await findHostNames([...new Set([...settings.hosts, ...asked])]);
    const publicAddresses = names.addresses.filter((each) => !isLoopbackAddress(each));
    const hostNames = [...settings.hosts, ...names.names];
    const pki = await openPki({
      files,
      clock: { now: () => Date.now() },
      scope: isFirstRunAllowed ? { hostNames, suffixes: settings.suffixes, publicAddresses } : undefined,
      names: settings.hosts,
      foundNames: [...names.names, ...names.addresses, ...listenHosts(settings.listen)],
    });
    if (pki.isNewAuthority) context.output.note(`made a certificate authority in ${files.location}`);
    last = { pki, names };
    return pki;
  };
  return {
    open,
    last: () => {
      if (last === undefined) throw new Error("no certificate has been opened");
      return last;
    },
  };
}

function listenHosts(listen: Settings["listen"]): readonly string[] {
  return listen.flatMap(({ address }) => ("host" in address && !isWildcard(address.host) ? [address.host] : []));
}

/** Through the front door, from loopback; answers what failed. */
async function selfTest(app: App, pki: Pki): Promise<string | undefined> {
  const doors = app.listeners.filter(({ setting }) => reachable(setting));
  const door = doors.find(({ setting }) => setting.tls !== "off") ?? doors[0];
  if (door === undefined || !("host" in door.setting.address))
    return "The self-test was left out: it comes by loopback with a password, which no listener takes here. dozo doctor tests.";
  const { host } = door.setting.address;
  const loopback = isWildcard(host) ? "127.0.0.1" : host.includes(":") ? `[${host}]` : host;
  const trust = selfTestTrust(door, pki);
  const url = `${trust === undefined ? "http" : "https"}://${loopback}:${door.port ?? 0}`;
  try {
    await app.asProcess((credential) => runSelfTest({ ...credential, url, trust }));
    return undefined;
  } catch (error) {
    if (!(error instanceof ExplainedError)) throw error;
    return `Warning: ${error.message}; ${error.remedy ?? ""}`;
  }
}

function selfTestTrust(door: AppListener, pki: Pki): SelfTestTrust | undefined {
  const shown = door.shown(undefined);
  if (shown === undefined) return undefined;
  if (shown.isOwn) return { rootPem: pki.rootPem, chainPem: pki.certificatePem };
  return { givenPem: shown.certificatePem, serverName: shown.serverNames[0] };
}

function reachable(setting: ListenerSetting): boolean {
  // The self-test has a password and no certificate.
  if (setting.clientCertificates !== undefined) return false;
  return "host" in setting.address && (isWildcard(setting.address.host) || isLoopbackListener(setting));
}
