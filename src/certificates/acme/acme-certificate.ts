import { readFile } from "node:fs/promises";

import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../log.ts";
import { createServerKey } from "../../pki/certificate-authority.ts";
import { describeCertificate } from "../../pki/certificate.ts";
import { judgePair } from "../../pki/given-pair.ts";
import { PkiFolder } from "../../process/pki-folder.ts";
import { type CertificateSource, type ServedCertificate, servedCertificate } from "../source.ts";
import { explainFailure } from "./acme-failure.ts";
import type { OrderRequest } from "./acme-messages.ts";
import { type ChallengeProver, orderCertificate, OrderFailedError } from "./acme-order.ts";
import { afterFailure, atStart, renewalTime, type Tries } from "./acme-schedule.ts";
import { Watchers } from "../watchers.ts";

export interface AcmeCertificateOptions {
  /** Where account key, certificate and state are kept; made 0700. */
  readonly folder: string;
  /** DNS names, wildcards among them; one certificate is for all. */
  readonly names: readonly string[];
  readonly directory: string;
  /** A PEM file with the authority that the directory's own certificate is of. */
  readonly directoryCa: string | undefined;
  readonly email: string | undefined;
  readonly prover: ChallengeProver;
  readonly clock: Clock;
  /** Between 0 and 1. */
  readonly chance: () => number;
  readonly log: Log;
}

/** What stands in `state.json`. */
interface State extends Tries {
  /** What the certificate was asked for with; after a change it is asked for anew, and failures are forgotten. */
  readonly asked: string;
  /** Whether the certificate that is there came of this. */
  readonly isFulfilled: boolean;
}

const lookEveryMs = 60_000;
const noTries: Tries = { failures: 0, nextTryAt: 0, isLimited: false };

/**
 * A certificate that a public authority signs by ACME. It is asked for where there is none or it is for other names, and renewed at
 * two thirds of its life; until the new one is there and judged, the old one is served. Failures are said in the log with what
 * mends them, and tried again more and more seldom. The key stays the same, so that what pins it goes on working.
 */
export class AcmeCertificate implements CertificateSource {
  readonly #options: AcmeCertificateOptions;
  readonly #files: PkiFolder;
  readonly #asked: string;
  readonly #watchers = new Watchers();
  readonly #stopping = new AbortController();
  #timer: ReturnType<typeof setInterval> | undefined;
  #served: ServedCertificate | undefined;
  #state: State;
  #nextTryAt = 0;
  #lookedAt = 0;
  #trying: Promise<void> | undefined;

  /** Reads what is there; asks nobody yet. Rejects for a key that others may read. */
  static async open(options: AcmeCertificateOptions): Promise<AcmeCertificate> {
    const files = new PkiFolder(options.folder);
    const [certificatePem, keyPem] = [await files.read("server.crt"), await files.read("server.key")];
    const stored = readState(await files.read("state.json"));
    const isPair = certificatePem !== undefined && keyPem !== undefined && isServable(certificatePem, keyPem, options);
    const acme = new AcmeCertificate(
      options,
      files,
      stored,
      isPair ? servedCertificate(certificatePem, keyPem) : undefined,
    );
    return acme;
  }

  private constructor(
    options: AcmeCertificateOptions,
    files: PkiFolder,
    stored: State | undefined,
    certificate: ServedCertificate | undefined,
  ) {
    this.#options = options;
    this.#files = files;
    const { directory, names, prover } = options;
    this.#asked = JSON.stringify([directory, prover.type, ...names.toSorted()]);
    this.#state = stored?.asked === this.#asked ? stored : { ...noTries, asked: this.#asked, isFulfilled: false };
    this.#served = certificate;
    const now = options.clock.now();
    this.#nextTryAt = this.#state.failures > 0 ? atStart(this.#state, now) : this.#dueAt();
  }

  /** Begins to look after the certificate: whatever the proofs need is there now. */
  start(): void {
    this.#timer = setInterval(() => void this.lookIfDue(), lookEveryMs);
    this.#timer.unref();
    void this.lookIfDue();
  }

  /** Empty until the first one has come. */
  current(): readonly ServedCertificate[] {
    return this.#served === undefined ? [] : [this.#served];
  }

  watch(onChange: () => void): () => void {
    return this.#watchers.add(onChange);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopping.abort(new Error("the registry is stopping"));
    await this.#trying;
  }

  /** What the timer does each minute; never rejects. A clock that was set back makes it due again, too. */
  async lookIfDue(): Promise<void> {
    const now = this.#options.clock.now();
    const wasSetBack = now < this.#lookedAt;
    this.#lookedAt = now;
    if (wasSetBack) this.#nextTryAt = Math.min(this.#nextTryAt, this.#dueAt());
    if (now < this.#nextTryAt) return;
    this.#trying ??= this.#try().finally(() => {
      this.#trying = undefined;
    });
    await this.#trying;
  }

  /** When the certificate that is there has to be replaced; 0 where there is none, or one for something else. */
  #dueAt(): number {
    if (this.#served === undefined || !this.#state.isFulfilled) return 0;
    return renewalTime(describeCertificate(this.#served.certificatePem), this.#options.chance());
  }

  async #try(): Promise<void> {
    const { log, clock, names } = this.#options;
    try {
      log.info("a certificate is being asked for by ACME", { names: names.join(" ") });
      await this.#renew();
      this.#nextTryAt = this.#dueAt();
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      const failure = error instanceof OrderFailedError ? error.failure : undefined;
      const tries = afterFailure(this.#state.failures, failure, clock.now(), this.#options.chance());
      this.#nextTryAt = tries.nextTryAt;
      log.error(`no certificate by ACME: ${this.#explain(error)}`, {
        nextTry: new Date(tries.nextTryAt).toISOString(),
        ...(this.#served === undefined ? {} : { servedUntil: new Date(this.#served.notAfter).toISOString() }),
      });
      await this.#remember({ ...this.#state, ...tries }).catch((cause: unknown) =>
        log.error("the state of ACME could not be written", { error: cause }),
      );
    }
  }

  #explain(error: unknown): string {
    const { directory, prover } = this.#options;
    if (error instanceof OrderFailedError)
      return explainFailure(error.failure, { directory, challengeType: prover.type });
    return error instanceof Error ? error.message : String(error);
  }

  async #renew(): Promise<void> {
    const request = await this.#request();
    const certificatePem = await orderCertificate(request, this.#prover(), this.#stopping.signal);
    const { certificateKeyPem: keyPem } = request;
    const { names, clock, directory } = this.#options;
    const pair = { certificatePem, keyPem, places: { certificate: directory, key: "server.key" } };
    const faults = judgePair(pair, { names: names.map(provable), now: clock.now(), knownRoots: [] });
    // Not the date that it begins on: where that is to come, it is this machine's clock that is late.
    const bad = faults.find(({ id, isFatal }) => isFatal || id === "expired" || id.startsWith("name:"));
    if (bad !== undefined) throw new Error(`what the authority sent cannot be served: ${bad.text}`);
    await this.#files.write("server.crt", certificatePem);
    await this.#remember({ ...noTries, asked: this.#asked, isFulfilled: true });
    this.#served = servedCertificate(certificatePem, keyPem);
    const until = new Date(this.#served.notAfter).toISOString();
    this.#watchers.call();
    this.#options.log.info("the certificate by ACME is there and is served now", { names: names.join(" "), until });
  }

  async #request(): Promise<OrderRequest> {
    const { directory, directoryCa, email, names, prover } = this.#options;
    return {
      directory,
      directoryCaPem: directoryCa === undefined ? undefined : await readFile(directoryCa, "utf8"),
      accountKeyPem: await this.#key("account.key"),
      email,
      names,
      certificateKeyPem: await this.#key("server.key"),
      challengeType: prover.type,
    };
  }

  async #key(name: "account.key" | "server.key"): Promise<string> {
    const present = await this.#files.read(name);
    if (present !== undefined) return present;
    const made = await createServerKey();
    await this.#files.write(name, made);
    return made;
  }

  /** A proof that cannot be taken down again must not cost the certificate. */
  #prover(): ChallengeProver {
    const { prover, log } = this.#options;
    return {
      type: prover.type,
      putUp: (challenge, signal) => prover.putUp(challenge, signal),
      takeDown: async (challenge, signal) => {
        try {
          await prover.takeDown(challenge, signal);
        } catch (error) {
          log.warn("a proof for ACME could not be taken down; it can be removed by hand", {
            name: challenge.name,
            reason: (error as Error).message,
          });
        }
      },
    };
  }

  async #remember(state: State): Promise<void> {
    this.#state = state;
    await this.#files.write("state.json", `${JSON.stringify(state)}\n`);
  }
}

/** A name that the certificate has to be for: any under a wildcard. */
function provable(name: string): string {
  return name.replace(/^\*\./, "any.");
}

function isServable(certificatePem: string, keyPem: string, { folder, clock }: AcmeCertificateOptions): boolean {
  const places = { certificate: `${folder}/server.crt`, key: `${folder}/server.key` };
  const faults = judgePair({ certificatePem, keyPem, places }, { names: [], now: clock.now(), knownRoots: [] });
  return !faults.some(({ isFatal }) => isFatal);
}

function readState(text: string | undefined): State | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as State);
  } catch {
    return undefined;
  }
}
