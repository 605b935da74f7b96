import { constants } from "node:fs";
import { open, stat } from "node:fs/promises";
import { getCACertificates } from "node:tls";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../log.ts";
import { type GivenPair, judgePair, type PairFault } from "../pki/given-pair.ts";
import { ExplainedError } from "../process/explained-error.ts";
import { type CertificateSource, type ServedCertificate, servedCertificate } from "./source.ts";
import { Watchers } from "./watchers.ts";

export interface CertificateFilesOptions {
  /** Paths of two PEM files: the certificate with its chain, and its key. */
  readonly certificate: string;
  readonly key: string;
  /** Names and addresses that clients use for the server. */
  readonly names: readonly string[];
  /** Whether no other certificate is served, so that it has to be for all of the names. */
  readonly isOnly: boolean;
  readonly clock: Clock;
  readonly log: Log;
}

const lookEveryMs = 1000;
/** What is too early today is right tomorrow: a pair that was not taken is judged again so often. */
const judgeAgainAfterMs = 60_000;
/** Days before the end on which the log says so: nobody but the operator can bring another one. */
const alarmDays: readonly number[] = [1, 7, 30];
const dayMs = 24 * 3_600_000;
/** A chain of ten with everything a key may be is a tenth of it. */
const maxFileBytes = 1024 * 1024;

/**
 * Two files that the operator, or a program of theirs, keeps up to date. They are looked at every second and judged when both
 * have stood still from one look to the next, so that the order in which they are written does not matter. A pair replaces the one that is served
 * only if nothing is wrong with it that is not wrong with that one, too; else that one stays, and the log says why, once.
 */
export class CertificateFiles implements CertificateSource {
  readonly #options: CertificateFilesOptions;
  readonly #watchers = new Watchers();
  readonly #timer: ReturnType<typeof setInterval>;
  #pair: GivenPair;
  #served: ServedCertificate;
  /** The state of both files at the last look, and at the last judgement. */
  #seen: string | undefined;
  #judged: string | undefined;
  #judgedAt = 0;
  #complaint: string | undefined;
  #looking: Promise<void> | undefined;
  /** The alarm that was said last of what is served. */
  #alarm = Number.POSITIVE_INFINITY;

  /** Throws an `ExplainedError` for a pair that cannot be served. What will only make clients refuse it is said in the log. */
  static async open(options: CertificateFilesOptions): Promise<CertificateFiles> {
    const pair = await readPair(options).catch((error: unknown) => {
      throw new ExplainedError(reasonOf(error), "dozo has to be able to read both files of listen.tls", error);
    });
    const faults = judge(pair, options);
    const fatal = faults.find(({ isFatal }) => isFatal);
    if (fatal !== undefined) throw new ExplainedError(`the certificate cannot be served: ${fatal.text}`);
    for (const { id, text } of faults)
      if (options.isOnly || !id.startsWith("name:")) options.log.error(`clients may refuse the certificate: ${text}`);
    await warnOfOpenKey(options);
    return new CertificateFiles(options, pair);
  }

  private constructor(options: CertificateFilesOptions, pair: GivenPair) {
    this.#options = options;
    this.#pair = pair;
    this.#served = servedCertificate(pair.certificatePem, pair.keyPem);
    // That one has ended was said when it was opened.
    if (options.clock.now() >= this.#served.notAfter) this.#alarm = 0;
    this.#timer = setInterval(() => void this.look(), lookEveryMs);
    this.#timer.unref();
  }

  current(): readonly ServedCertificate[] {
    return [this.#served];
  }

  watch(onChange: () => void): () => void {
    return this.#watchers.add(onChange);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  /** Takes what the files are now, if they have stood still since the last look and are no worse. Never rejects. */
  async look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    await this.#looking;
    this.#warnOfEnd();
  }

  #warnOfEnd(): void {
    const daysLeft = (this.#served.notAfter - this.#options.clock.now()) / dayMs;
    const alarm = [0, ...alarmDays].find((days) => daysLeft <= days) ?? Number.POSITIVE_INFINITY;
    const day = new Date(this.#served.notAfter).toISOString().slice(0, 10);
    if (alarm < this.#alarm && alarm > 0)
      this.#options.log.warn(`the certificate ends on ${day}: put a newer one there`, this.#place());
    if (alarm === 0 && this.#alarm > 0)
      this.#options.log.error("the certificate has ended, and clients refuse it: put a newer one there", this.#place());
    this.#alarm = alarm;
  }

  async #look(): Promise<void> {
    let hasSettled = false;
    try {
      const state = await stateOf(this.#options);
      hasSettled = state === this.#seen;
      this.#seen = state;
      if (!hasSettled || (state === this.#judged && !this.#isDueAgain())) return;
      const pair = await readPair(this.#options);
      if ((await stateOf(this.#options)) !== state) return;
      this.#judged = state;
      this.#judgedAt = this.#options.clock.now();
      this.#take(pair);
    } catch (error) {
      // A file that is being replaced may be away for a moment: only what lasts is worth a line.
      const reason = reasonOf(error);
      if (hasSettled || this.#seen === reason) this.#complain(reason);
      if (!hasSettled) this.#seen = reason;
      this.#judged = undefined;
    }
  }

  #isDueAgain(): boolean {
    return this.#complaint !== undefined && this.#options.clock.now() - this.#judgedAt >= judgeAgainAfterMs;
  }

  #take(pair: GivenPair): void {
    const isSame = pair.certificatePem === this.#pair.certificatePem && pair.keyPem === this.#pair.keyPem;
    const worse = isSame ? [] : this.#whatIsWorse(pair);
    if (worse.length > 0) {
      this.#complain(worse.map(({ text }) => text).join(" "));
      return;
    }
    const wasBad = this.#complaint !== undefined;
    this.#complaint = undefined;
    if (isSame) {
      if (wasBad) this.#options.log.info("the certificate's files are again those that are served", this.#place());
      return;
    }
    this.#pair = pair;
    this.#served = servedCertificate(pair.certificatePem, pair.keyPem);
    const validUntil = new Date(this.#served.notAfter).toISOString();
    this.#watchers.call();
    this.#options.log.info("the certificate was read again and is served now", { ...this.#place(), validUntil });
  }

  #whatIsWorse(pair: GivenPair): readonly PairFault[] {
    const present = new Set(judge(this.#pair, this.#options).map(({ id }) => id));
    return judge(pair, this.#options).filter(({ id, isFatal }) => isFatal || !present.has(id));
  }

  #complain(reason: string): void {
    if (reason === this.#complaint) return;
    this.#complaint = reason;
    this.#options.log.error(`the old certificate stays, the new one is not taken: ${reason}`, this.#place());
  }

  #place(): { readonly file: string } {
    return { file: this.#options.certificate };
  }
}

function judge(pair: GivenPair, { names, clock }: CertificateFilesOptions): readonly PairFault[] {
  return judgePair(pair, {
    names,
    now: clock.now(),
    knownRoots: [...getCACertificates("bundled"), ...getCACertificates("system")],
  });
}

async function readPair({ certificate, key }: CertificateFilesOptions): Promise<GivenPair> {
  const [certificatePem, keyPem] = [await readText(certificate), await readText(key)];
  return { certificatePem, keyPem, places: { certificate, key } };
}

/** Through links, as certbot and Kubernetes lay them. */
async function readText(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { size } = await file.stat().then((facts) => {
      if (!facts.isFile()) throw new Error(`${path} is no regular file`);
      return facts;
    });
    if (size > maxFileBytes) throw new Error(`${path} is too large for a certificate or a key (${size} bytes)`);
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

async function warnOfOpenKey({ key, log }: CertificateFilesOptions): Promise<void> {
  const { mode } = await stat(key);
  if ((mode & 0o007) !== 0)
    log.warn("everybody on this machine may read the certificate's private key; better: chmod o= FILE", { file: key });
}

async function stateOf({ certificate, key }: CertificateFilesOptions): Promise<string> {
  const parts = await Promise.all(
    [certificate, key].map(async (path) => {
      const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
      return [dev, ino, size, mtimeNs, ctimeNs].join(".");
    }),
  );
  return parts.join(" ");
}

function reasonOf(error: unknown): string {
  const { code, path } = error as NodeJS.ErrnoException;
  if (code === "ENOENT" && path !== undefined) return `${path} is not there`;
  if (code === "EACCES" && path !== undefined) return `${path} may not be read by the user that dozo runs as`;
  return error instanceof Error ? error.message : String(error);
}
