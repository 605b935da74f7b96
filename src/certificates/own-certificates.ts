import type { Clock } from "../core/clock.ts";
import type { Log } from "../log.ts";
import { renewalAt } from "../pki/certificate.ts";
import type { Pki } from "../pki/open.ts";
import type { CertificateSource, ServedCertificate } from "./source.ts";
import { Watchers } from "./watchers.ts";

export interface OwnCertificatesOptions {
  /** Opens the authority's files, makes what is missing and renews what is due. */
  readonly open: () => Promise<Pki>;
  readonly clock: Clock;
  readonly log: Log;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/**
 * The certificate that dozo's own authority signs. Each minute the clock is asked whether it is time to look at the files: each
 * day (the machine may have new names), when the certificate is due, within a minute after the clock was moved, and an hour
 * after a look that failed. What is served stays until there is something better.
 */
export class OwnCertificates implements CertificateSource {
  readonly #options: OwnCertificatesOptions;
  readonly #watchers = new Watchers();
  readonly #timer: ReturnType<typeof setInterval>;
  #pki: Pki;
  #lookedAt: number;
  #nextLookAt: number;
  /** Whoever works on the files waits for the one before. */
  #queue: Promise<unknown> = Promise.resolve();

  /** Rejects as `open` does. */
  static async open(options: OwnCertificatesOptions): Promise<OwnCertificates> {
    return new OwnCertificates(options, await options.open());
  }

  private constructor(options: OwnCertificatesOptions, pki: Pki) {
    this.#options = options;
    this.#pki = pki;
    this.#lookedAt = options.clock.now();
    this.#nextLookAt = nextLook(pki, this.#lookedAt);
    this.#timer = setInterval(() => void this.lookIfDue(), minuteMs);
    this.#timer.unref();
  }

  /** What the last look found. */
  get pki(): Pki {
    return this.#pki;
  }

  current(): readonly ServedCertificate[] {
    const { certificatePem, keyPem, certificate } = this.#pki;
    return [{ serverNames: certificate.names, certificatePem, keyPem, notAfter: certificate.notAfter }];
  }

  watch(onChange: () => void): () => void {
    return this.#watchers.add(onChange);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#queue;
  }

  /** Lets `work` change the files, alone, and serves what they have then. Rejects as `work` does, or as a look that fails. */
  change(work: () => Promise<void>): Promise<void> {
    return this.#inTurn(async () => {
      await work();
      await this.#look();
    });
  }

  /** What the timer does each minute; never rejects. */
  lookIfDue(): Promise<void> {
    return this.#inTurn(async () => {
      const now = this.#options.clock.now();
      // Two looks a minute apart by a clock that was set back in between are a sign of that, too.
      if (now < this.#nextLookAt && now >= this.#lookedAt) return;
      try {
        await this.#look();
      } catch (error) {
        this.#options.log.error("the certificate could not be renewed; it is tried again in an hour", { error });
      }
    });
  }

  async #look(): Promise<void> {
    this.#lookedAt = this.#options.clock.now();
    this.#nextLookAt = this.#lookedAt + hourMs;
    const before = this.#pki;
    this.#pki = await this.#options.open();
    this.#nextLookAt = nextLook(this.#pki, this.#lookedAt);
    if (this.#pki.certificatePem === before.certificatePem) return;
    const until = new Date(this.#pki.certificate.notAfter).toISOString();
    this.#options.log.info("the server's certificate was renewed", { until });
    this.#watchers.call();
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}

function nextLook({ certificate }: Pki, now: number): number {
  const due = renewalAt(certificate);
  return due <= now ? now + hourMs : Math.min(now + dayMs, due);
}
