import { createHash, randomBytes, X509Certificate } from "node:crypto";
import { ExplainedError } from "./explained-error.ts";

export interface SelfTestTarget {
  /** `https://127.0.0.1:5000`: the front door, on loopback. */
  readonly url: string;
  /** What is trusted, and nothing else; undefined where the listener speaks no TLS. */
  readonly trust: SelfTestTrust | undefined;
  readonly name: string;
  readonly secret: string;
  /** A repository of which nothing is there; the caller removes what is left of it. */
  readonly repository: string;
}

/** Of dozo's own authority, or somebody else's: then exactly this certificate is trusted, by the name that stands in it. */
export type SelfTestTrust = OwnTrust | GivenTrust;

interface GivenTrust {
  /** What the server shows, its own certificate first. */
  readonly givenPem: string;
  /** One of its DNS names; undefined where it has none. */
  readonly serverName: string | undefined;
}

interface OwnTrust {
  /** What clients are given. */
  readonly rootPem: string;
  /** What the server shows: its certificate, and behind it the intermediate. */
  readonly chainPem: string;
}

interface Step {
  readonly what: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly body?: Uint8Array<ArrayBuffer>;
  readonly contentType?: string;
  /** The bytes that have to come back. */
  readonly expected?: Uint8Array;
}

const manifestType = "application/vnd.oci.image.manifest.v1+json";
const stepTimeoutMs = 10_000;

/**
 * Goes through the front door as a client does: login, push, pull and delete of a small image. Throws an
 * `ExplainedError` that says which step failed, and how.
 */
export async function runSelfTest(target: SelfTestTarget): Promise<void> {
  const { trust } = target;
  if (trust !== undefined && "rootPem" in trust)
    checkChain(trust, new URL(target.url).hostname.replaceAll(/[[\]]/g, ""));
  for (const step of steps(target.repository)) await take(step, target);
}

function steps(repository: string): readonly Step[] {
  const config = new TextEncoder().encode("{}");
  // Larger than what stands in the database, so that the way through a file is tried too.
  const layer = randomBytes(96 * 1024);
  const manifest = new TextEncoder().encode(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: manifestType,
      config: { mediaType: "application/vnd.oci.image.config.v1+json", ...descriptor(config) },
      layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", ...descriptor(layer) }],
    }),
  );
  const base = `/v2/${repository}`;
  const upload = (body: Uint8Array<ArrayBuffer>): Step => ({
    what: "push of a blob",
    method: "POST",
    path: `${base}/blobs/uploads/?digest=${digest(body)}`,
    status: 201,
    body,
    contentType: "application/octet-stream",
  });
  const manifestPath = `${base}/manifests/latest`;
  return [
    { what: "login", method: "GET", path: "/v2/", status: 200 },
    upload(config),
    upload(layer),
    { what: "push", method: "PUT", path: manifestPath, status: 201, body: manifest, contentType: manifestType },
    { what: "pull", method: "GET", path: manifestPath, status: 200, expected: manifest },
    { what: "pull of a blob", method: "GET", path: `${base}/blobs/${digest(layer)}`, status: 200, expected: layer },
    { what: "delete", method: "DELETE", path: `${base}/manifests/${digest(manifest)}`, status: 202 },
    { what: "delete", method: "GET", path: manifestPath, status: 404 },
  ];
}

async function take(step: Step, target: SelfTestTarget): Promise<void> {
  const credentials = Buffer.from(`${target.name}:${target.secret}`).toString("base64");
  const headers = new Headers({ authorization: `Basic ${credentials}` });
  if (step.contentType !== undefined) headers.set("content-type", step.contentType);
  const failed = (why: string, cause?: unknown): ExplainedError =>
    new ExplainedError(`the self-test failed at its ${step.what}: ${why}`, "the log above says more", cause);
  let answer: Response;
  let bytes: Uint8Array;
  try {
    answer = await fetch(`${target.url}${step.path}`, {
      method: step.method,
      headers,
      signal: AbortSignal.timeout(stepTimeoutMs),
      redirect: "manual",
      body: step.body ?? null,
      tls: target.trust === undefined ? {} : tlsFor(target.trust),
      // A proxy from the environment is for the world outside.
      proxy: false,
    });
    bytes = await answer.bytes();
  } catch (error) {
    throw failed(`${target.url} could not be spoken to (${(error as Error).message})`, error);
  }
  if (answer.status !== step.status) throw failed(`${answer.status} was answered where ${step.status} is right`);
  if (step.expected !== undefined && !Buffer.from(bytes).equals(step.expected))
    throw failed("other bytes came back than were sent");
}

/**
 * The runtime's own TLS (BoringSSL) cannot check constraints on addresses and refuses every chain that has them; other clients
 * can. So the chain is checked here, and the connection then trusts exactly the certificate at its end.
 */
function checkChain({ rootPem, chainPem }: OwnTrust, address: string): void {
  const [leaf, issuer] = certificatesOf(chainPem).map((pem) => new X509Certificate(pem));
  const root = new X509Certificate(rootPem);
  const isSigned =
    leaf !== undefined && issuer !== undefined && leaf.verify(issuer.publicKey) && issuer.verify(root.publicKey);
  const isFor = leaf?.checkIP(address) !== undefined;
  const now = Date.now();
  const isValid = [leaf, issuer, root].every(
    (each) => each !== undefined && Date.parse(each.validFrom) <= now && now < Date.parse(each.validTo),
  );
  if (isSigned && isFor && isValid) return;
  const why = !isSigned ? "was not signed by its CA" : isFor ? "is not valid today" : `is not for ${address}`;
  throw new ExplainedError(`the self-test failed: the server's certificate ${why}`, "check this machine's clock");
}

function tlsFor(trust: SelfTestTrust): BunFetchRequestInitTLS & { readonly allowPartialTrustChain: boolean } {
  const ca = certificatesOf("rootPem" in trust ? trust.chainPem : trust.givenPem)[0] ?? "";
  const exactly = { ca, rejectUnauthorized: true, allowPartialTrustChain: true };
  if ("rootPem" in trust) return exactly;
  // By loopback's address it is spoken to, which stands in nobody's certificate.
  if (trust.serverName === undefined) return { ...exactly, checkServerIdentity: () => undefined };
  return { ...exactly, serverName: trust.serverName.replace(/^\*\./, "self-test.") };
}

function certificatesOf(pem: string): readonly string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}

function descriptor(bytes: Uint8Array): { digest: string; size: number } {
  return { digest: digest(bytes), size: bytes.length };
}

function digest(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
