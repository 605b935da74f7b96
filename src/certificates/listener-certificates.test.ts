import { expect, test } from "bun:test";

import { ListenerCertificates } from "./listener-certificates.ts";
import type { CertificateSource, ServedCertificate } from "./source.ts";

/** A source that a test fills. */
class Shelf implements CertificateSource {
  readonly #watchers: (() => void)[] = [];
  #certificates: readonly ServedCertificate[] = [];

  constructor(...certificates: readonly ServedCertificate[]) {
    this.#certificates = certificates;
  }

  put(...certificates: readonly ServedCertificate[]): void {
    this.#certificates = certificates;
    for (const watcher of this.#watchers) watcher();
  }

  current(): readonly ServedCertificate[] {
    return this.#certificates;
  }

  watch(onChange: () => void): () => void {
    this.#watchers.push(onChange);
    return () => {};
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}

function certificate(name: string, ...serverNames: readonly string[]): ServedCertificate {
  return { serverNames, certificatePem: name, keyPem: "", notAfter: 0 };
}

test("a listener hears of a change only when it shows something else", () => {
  const own = new Shelf(certificate("own", "box.lan"));
  const files = new Shelf(certificate("site", "r.example.com"));
  const named = new Shelf();
  const listener = new ListenerCertificates({ usual: files, more: [named], own });
  let changes = 0;
  listener.watch(() => (changes += 1));

  own.put(certificate("own again", "box.lan"));
  files.put(certificate("site", "r.example.com"));
  expect(changes).toBe(0);
  expect(listener.shown("r.example.com").isOwn).toBe(false);
  expect(listener.hasOwn).toBe(false);

  named.put(certificate("named", "hub.example.com"));
  expect(changes).toBe(1);
  expect(listener.current().map(({ certificatePem }) => certificatePem)).toEqual(["site", "named"]);
});

test("a listener whose own source has nothing yet shows dozo's certificate", () => {
  const listener = new ListenerCertificates({ usual: new Shelf(), more: [], own: new Shelf(certificate("own")) });

  expect(listener.shown("r.example.com")).toEqual({ isOwn: true, certificatePem: "own", serverNames: [] });
  expect(listener.shown(undefined).isOwn).toBe(true);
  expect(listener.hasOwn).toBe(true);
});
