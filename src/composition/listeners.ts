import { readFileSync } from "node:fs";
import type { ClientCertificates } from "../auth/client-certificates.ts";
import { AcmeCertificate } from "../certificates/acme/acme-certificate.ts";
import { DnsHook } from "../certificates/acme/dns-hook.ts";
import { HttpChallenges } from "../certificates/acme/http-challenges.ts";
import { CertificateFiles } from "../certificates/certificate-files.ts";
import { ListenerCertificates, type ShownCertificate } from "../certificates/listener-certificates.ts";
import type { OwnCertificates } from "../certificates/own-certificates.ts";
import type { CertificateSource } from "../certificates/source.ts";
import type { CertificateFilesSetting, ListenerSetting } from "../config/listener.ts";
import { type CertificateListenOptions, listenForCertificates } from "../http/client-certificate-listener.ts";
import { type Listener, listen } from "../http/listener.ts";
import { openClientAuthority } from "../pki/client-authority.ts";
import { readClientCertificate, splitCertificates } from "../pki/client-certificate.ts";
import { PkiFolder } from "../process/pki-folder.ts";
import { preparePrivateSockets } from "../process/private-sockets.ts";
import type { AppOptions } from "./app-options.ts";
import { clock } from "./clock.ts";
import { attempt, type Serving } from "./serving.ts";

/** A place where the registry is met. */
export interface AppListener {
  readonly setting: ListenerSetting;
  readonly port: number | undefined;
  /** What a client is shown now that asks for this name, or for none; undefined without TLS. */
  shown(name: string | undefined): ShownCertificate | undefined;
}

/** What answers on every listener, and who judges the clients that show a certificate. */
interface Answering extends Pick<CertificateListenOptions, "handle" | "sockets"> {
  readonly clientCertificates: ClientCertificates;
}

type Acme = { readonly certificate: AcmeCertificate; readonly prover: HttpChallenges | DnsHook };

/** The listeners of the settings, each with the certificates that it shows, which change while it listens. */
export class Listeners {
  readonly #options: AppOptions;
  readonly #own: OwnCertificates;
  readonly #serving: Serving;
  readonly #showcases = new Set<ListenerCertificates>();
  readonly #bound: AppListener[] = [];

  /** They end with `serving`. */
  constructor(options: AppOptions, own: OwnCertificates, serving: Serving) {
    this.#options = options;
    this.#own = own;
    this.#serving = serving;
  }

  /** Whether anybody meets the registry's own certificate; behind a proxy nobody does, and whoever asks all the same is told. */
  get isOwnMet(): boolean {
    return this.#showcases.size === 0 || [...this.#showcases].some(({ hasOwn }) => hasOwn);
  }

  /** The names in all certificates that are shown now. */
  get serverNames(): readonly string[] {
    return [...this.#showcases].flatMap((shown) => shown.current().flatMap(({ serverNames }) => serverNames));
  }

  /** Listens, in the settings' order. Rejects with `AddressInUseError`. */
  async open(parts: Omit<Answering, "sockets">): Promise<readonly AppListener[]> {
    const { settings, controlSocket } = this.#options;
    const answering = { ...parts, sockets: preparePrivateSockets(controlSocket) };
    const more: CertificateSource[] = [];
    for (const files of settings.certificates) more.push(await this.#openFiles(files));
    const acme = await this.#openAcme();
    if (acme !== undefined) more.push(acme.certificate);
    for (const setting of settings.listen) await this.#listen(setting, more, answering);
    if (acme !== undefined) this.#start(acme);
    return this.#bound;
  }

  async #listen(setting: ListenerSetting, more: readonly CertificateSource[], answering: Answering): Promise<void> {
    const { address, tls } = setting;
    const usual = typeof tls === "string" ? this.#own : await this.#openFiles(tls);
    const shown = new ListenerCertificates({ usual, more, own: this.#own });
    const { handle } = answering;
    const listener =
      setting.clientCertificates === undefined
        ? listen({ address, tls: tls === "off" ? undefined : shown.current(), handle })
        : await listenWithIdentity(this.#options, setting, { ...answering, tls: shown.current() });
    this.#serving.add(listener);
    const shownTo: AppListener["shown"] = (name) => (tls === "off" ? undefined : shown.shown(name));
    this.#bound.push({ setting, port: listener.port, shown: shownTo });
    if (tls === "off") return;
    this.#showcases.add(shown);
    const swap = (): void => listener.replaceCertificate(shown.current());
    shown.watch(() => void attempt(this.#options.log, "swap of the certificate", swap));
  }

  /** The operator's certificate; it has to be for every name where it is the only one that is shown. */
  async #openFiles(files: CertificateFilesSetting): Promise<CertificateFiles> {
    const { settings, log } = this.#options;
    const { hosts, listen: listeners, certificates } = settings;
    const all = new Set([...listeners.map(({ tls }) => tls).filter((tls) => tls !== "off"), ...certificates]);
    const source = await CertificateFiles.open({ ...files, names: hosts, isOnly: all.size === 1, clock, log });
    this.#serving.atEnd(() => source.stop());
    return source;
  }

  /** Undefined where no name is to be asked for. Nothing is asked yet: that begins when the registry listens. */
  async #openAcme(): Promise<Acme | undefined> {
    const { settings, log } = this.#options;
    const { names, directory, directoryCa, email, dnsHook } = settings.acme;
    if (names.length === 0) return undefined;
    const httpsPort = (): number => this.#httpsPort();
    const prover = dnsHook === undefined ? new HttpChallenges({ names, httpsPort }) : new DnsHook(dnsHook);
    const common = { folder: `${settings.data}/acme`, names, directory, directoryCa, email, prover };
    const certificate = await AcmeCertificate.open({ ...common, clock, chance: Math.random, log });
    this.#serving.atEnd(() => certificate.stop());
    return { certificate, prover };
  }

  #start({ certificate, prover }: Acme): void {
    if (prover instanceof HttpChallenges) {
      const { httpListen: address } = this.#options.settings.acme;
      const handle = (request: Request): Response => prover.handle(request);
      this.#serving.add(listen({ address, tls: undefined, handle }));
    }
    certificate.start();
  }

  #httpsPort(): number {
    return (
      this.#bound.find(({ setting }) => setting.tls !== "off" && setting.clientCertificates === undefined)?.port ?? 443
    );
  }
}

/** A listener that lets in only who shows a client certificate that counts. */
async function listenWithIdentity(
  { settings, log }: AppOptions,
  { address }: ListenerSetting,
  { clientCertificates, ...parts }: Answering & Pick<CertificateListenOptions, "tls">,
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
      const verdict = await clientCertificates.judge(certificate);
      return verdict.kind === "refused" ? verdict.reason : certificate;
    },
    onRefused: (reason, client) => log.info("a client certificate was refused", { client, reason }),
  });
}
