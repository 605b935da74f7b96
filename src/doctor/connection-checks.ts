import type { X509Certificate } from "node:crypto";
import {
  certificateEndsSoon,
  certificateExpired,
  certificateForOtherNames,
  certificateNotYetValid,
  certificateWithoutNames,
} from "../diagnosis/certificate-findings.ts";
import {
  addressFails,
  hostUnreachable,
  nameIsLoopback,
  nameServerSilent,
  nameUnknown,
  notTls,
  plainHttp,
  portClosed,
  portSilent,
} from "../diagnosis/connection-findings.ts";
import type { Finding } from "../diagnosis/finding.ts";
import { isLoopbackAddress } from "../process/host-names.ts";
import { type ChainReading, readChain } from "../pki/trust-path.ts";
import type { ConnectionFacts } from "./connection-facts.ts";
import { type Examination, examined, fine } from "./examination.ts";
import type { RegistryReference } from "./registry-reference.ts";

const dayMs = 86_400_000;
/** dozo renews a month before the end; others do not later than this, and those that live for days in their last quarter. */
const soonMs = 14 * dayMs;
const lastShare = 0.25;

/** Name, port and TLS, as far as the way goes. */
export function checkConnection(reference: RegistryReference, facts: ConnectionFacts): readonly Examination[] {
  const name = checkName(reference, facts);
  if (facts.addresses.length === 0) return [name];
  const port = checkPort(reference, facts);
  return facts.tls === undefined ? [name, port] : [name, port, checkTls(reference, facts)];
}

function checkName({ host }: RegistryReference, { addresses, nameFault }: ConnectionFacts): Examination {
  if (nameFault !== undefined)
    return examined("name", host, [nameFault === "silent" ? nameServerSilent({ host }) : nameUnknown({ host })]);
  const loopback = addresses.find(isLoopbackAddress);
  return examined("name", `${host} is ${addresses.join(", ")}`, [
    loopback === undefined ? undefined : nameIsLoopback({ host, address: loopback }),
  ]);
}

function checkPort({ registry, host, port }: RegistryReference, { attempts }: ConnectionFacts): Examination {
  const failed = attempts.filter(({ outcome }) => outcome !== "open");
  const seen = attempts.map(({ address, outcome }) => `${address}: ${outcome}`).join(", ");
  if (failed.length < attempts.length)
    return examined(
      "port",
      seen,
      failed.map(({ address }) => addressFails({ host, address })),
    );
  const [first] = failed;
  const place = { registry, host, port };
  if (failed.some(({ outcome }) => outcome === "refused")) return examined("port", seen, [portClosed(place)]);
  if (failed.some(({ outcome }) => outcome === "silent")) return examined("port", seen, [portSilent(place)]);
  return examined("port", seen, [hostUnreachable({ host, code: first?.code ?? "" })]);
}

function checkTls({ registry }: RegistryReference, { tls, isPlainHttp }: ConnectionFacts): Examination {
  if (tls?.kind === "chain") return fine("TLS", `${tls.chain.length} certificates`);
  if (isPlainHttp) return examined("TLS", "plain HTTP", [plainHttp({ registry })]);
  return examined("TLS", "no TLS", [notTls({ registry, reason: tls?.reason ?? "" })]);
}

/** What a client that trusts its issuer would still find wrong with a certificate. */
export function checkCertificate(
  whose: string,
  name: string,
  chain: readonly X509Certificate[],
  now: number,
): Examination {
  const reading = readChain(chain, name);
  const seen = `${reading.names.join(", ")}; until ${day(reading.notAfter)}`;
  return examined("certificate", seen, [nameFinding(whose, name, reading), dateFinding(whose, reading, now)]);
}

function nameFinding(whose: string, name: string, { isForName, names }: ChainReading): Finding | undefined {
  if (isForName) return undefined;
  return names.length === 0 ? certificateWithoutNames({ whose }) : certificateForOtherNames({ name, names });
}

/** A certificate's dates against a clock. */
export function dateFinding(whose: string, reading: ChainReading, now: number): Finding | undefined {
  const { notBefore, notAfter, issuer } = reading;
  const isOwn = issuer.startsWith("dozo CA ");
  const today = day(now);
  if (now < notBefore) return certificateNotYetValid({ whose, beginsOn: day(notBefore), today });
  if (now >= notAfter) return certificateExpired({ whose, endedOn: day(notAfter), today, isOwn });
  const endMs = Math.min(soonMs, lastShare * (notAfter - notBefore));
  return now > notAfter - endMs ? certificateEndsSoon({ whose, endsOn: day(notAfter), isOwn }) : undefined;
}

function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
