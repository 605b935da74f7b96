import type { ServedCertificate } from "./source.ts";

/** What a listener has to show, from all its sources. */
export interface Showcase {
  /** For clients that ask for no name, or for one that nothing is for; missing until its source has one. */
  readonly usual: ServedCertificate | undefined;
  /** For clients that ask for one of its names; of two for one name the first is shown. */
  readonly more: readonly ServedCertificate[];
  /** Of dozo's own authority: shown where there is nothing else. Clients have to be enrolled for it. */
  readonly own: ServedCertificate;
}

/**
 * The certificates in the order in which a listener takes them, the one for everybody first, and each name only where it is
 * chosen: somebody else's certificate before dozo's own, since every client trusts that one sooner.
 */
export function arrange({ usual, more, own }: Showcase): readonly ServedCertificate[] {
  const first = usual ?? own;
  const isOwn = (each: ServedCertificate): boolean => each.certificatePem === own.certificatePem;
  const byRank = [...new Set([first, ...more])].toSorted((a, b) => Number(isOwn(a)) - Number(isOwn(b)));
  const claimed: string[] = [];
  const named = new Map<ServedCertificate, readonly string[]>();
  for (const certificate of byRank) {
    const names = certificate.serverNames.filter((name) => !claimed.some((taken) => covers(taken, name)));
    named.set(certificate, names);
    claimed.push(...certificate.serverNames);
  }
  const rest = byRank.filter((each) => each !== first);
  return [first, ...rest].map((each) => ({ ...each, serverNames: named.get(each) ?? [] }));
}

/** Which of the arranged certificates a client is shown that asks for this name; nobody asks for an address. */
export function shownFor(
  name: string | undefined,
  arranged: readonly ServedCertificate[],
): ServedCertificate | undefined {
  if (name === undefined) return arranged[0];
  const wanted = name.toLowerCase();
  const has = (test: (own: string) => boolean): ServedCertificate | undefined =>
    arranged.find(({ serverNames }) => serverNames.some((own) => test(own.toLowerCase())));
  return has((own) => own === wanted) ?? has((own) => covers(own, wanted)) ?? arranged[0];
}

/** RFC 9525 section 6.3: a wildcard stands for exactly one label. */
function covers(pattern: string, name: string): boolean {
  const [wide, narrow] = [pattern.toLowerCase(), name.toLowerCase()];
  if (wide === narrow) return true;
  return wide.startsWith("*.") && narrow.includes(".") && narrow.slice(narrow.indexOf(".")) === wide.slice(1);
}
