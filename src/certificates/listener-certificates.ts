import { arrange, shownFor } from "./by-name.ts";
import type { CertificateSource, ServedCertificate } from "./source.ts";

export interface ListenerSources {
  /** For clients that ask for no name, or for one that nothing is for. */
  readonly usual: CertificateSource;
  /** For clients that ask for one of their names. */
  readonly more: readonly CertificateSource[];
  /** Dozo's own authority: it always has a certificate, which is shown where there is no other. */
  readonly own: CertificateSource;
}

/** What a client meets; the key is nobody's business. */
export interface ShownCertificate extends Pick<ServedCertificate, "certificatePem" | "serverNames"> {
  /** It is of dozo's own authority: clients have to be enrolled for it. */
  readonly isOwn: boolean;
}

/** All that one listener shows, put together by name. It does not stop the sources, which others may share. */
export class ListenerCertificates {
  readonly #sources: ListenerSources;

  constructor(sources: ListenerSources) {
    this.#sources = sources;
  }

  /** The one for everybody first, each name only where it is chosen. */
  current(): readonly ServedCertificate[] {
    const { usual, more, own } = this.#sources;
    const [fallback] = own.current();
    if (fallback === undefined) throw new Error("dozo has no certificate of its own");
    const [first, ...others] = usual.current();
    return arrange({ usual: first, more: [...others, ...more.flatMap((each) => each.current())], own: fallback });
  }

  /** What a client is shown that asks for this name, or for none. */
  shown(name: string | undefined): ShownCertificate {
    const own = this.#sources.own.current()[0]?.certificatePem;
    const { certificatePem = "", serverNames = [] } = shownFor(name, this.current()) ?? {};
    return { isOwn: certificatePem === own, certificatePem, serverNames };
  }

  /** Whether any client is shown a certificate of dozo's own authority, and so has to trust that. */
  get hasOwn(): boolean {
    const own = this.#sources.own.current()[0]?.certificatePem;
    return this.current().some(({ certificatePem }) => certificatePem === own);
  }

  /** Calls back each time that what is shown has changed. */
  watch(onChange: () => void): void {
    let before = fingerprint(this.current());
    const check = (): void => {
      const now = fingerprint(this.current());
      if (now === before) return;
      before = now;
      onChange();
    };
    const { usual, more, own } = this.#sources;
    for (const source of new Set([usual, ...more, own])) source.watch(check);
  }
}

function fingerprint(certificates: readonly ServedCertificate[]): string {
  return JSON.stringify(certificates);
}
