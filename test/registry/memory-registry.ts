import type { DiskSpace } from "../../src/core/blob-store.ts";
import { type Digest, digestOf } from "../../src/core/digest.ts";
import { RegistryError } from "../../src/core/error.ts";
import { defaultLimits, type Limits } from "../../src/core/limits.ts";
import { mediaTypes } from "../../src/core/media-type.ts";
import type { Principal } from "../../src/core/principal.ts";
import { parseTag, type Reference } from "../../src/core/reference.ts";
import { parseRepositoryName, type RepositoryName } from "../../src/core/repository-name.ts";
import type { Ulid } from "../../src/core/ulid.ts";
import type { IncomingBody } from "../../src/core/upload-store.ts";
import { Blobs } from "../../src/registry/blobs.ts";
import { Catalog } from "../../src/registry/catalog.ts";
import { MeasuredDiskReserve } from "../../src/registry/disk-reserve.ts";
import { Leases } from "../../src/registry/leases.ts";
import { Manifests, type StoredManifest } from "../../src/registry/manifests.ts";
import type { RegistryPorts } from "../../src/registry/ports.ts";
import { Referrers } from "../../src/registry/referrers.ts";
import { Tags } from "../../src/registry/tags.ts";
import { Uploads } from "../../src/registry/uploads.ts";
import { MemoryBlobStore } from "../../src/storage/memory/blob-store.ts";
import { MemoryMetadataStore } from "../../src/storage/memory/metadata-store.ts";
import { MemoryState } from "../../src/storage/memory/state.ts";
import { MemoryUploadStore } from "../../src/storage/memory/upload-store.ts";

/** A whole registry in memory, at a time that the test sets. */
export interface MemoryRegistry {
  readonly ports: RegistryPorts & { readonly blobs: MemoryBlobStore };
  readonly clock: { now(): number; advance(ms: number): void };
  /** What the registry takes its disk for. */
  readonly disk: { space: DiskSpace };
  readonly blobs: Blobs;
  readonly uploads: Uploads;
  readonly manifests: Manifests;
  readonly tags: Tags;
  readonly referrers: Referrers;
  readonly catalog: Catalog;
  /** What the memory stores hold. */
  readonly state: MemoryState;
}

export const gibibyte = 1024 ** 3;
export const app: RepositoryName = parseRepositoryName("team/app");
export const other: RepositoryName = parseRepositoryName("other");
export const alice = principal("01ARZ3NDEKTSV4RRFFQ69G5FAA", "alice");
export const bob = principal("01ARZ3NDEKTSV4RRFFQ69G5FAB", "bob");

function principal(id: string, name: string): Principal {
  return { id: id as Ulid, name, isAdmin: false, kind: "user", source: "dozo" };
}

/** `stores` stand in for the memory stores, for what goes wrong in them. */
export function memoryRegistry(
  limits: Partial<Limits> = {},
  stores: (ports: MemoryRegistry["ports"], state: MemoryState) => Partial<RegistryPorts> = () => ({}),
): MemoryRegistry {
  const clock = settableClock();
  const disk = { space: { freeBytes: 50 * gibibyte, totalBytes: 100 * gibibyte } };
  const blobs = new MemoryBlobStore();
  const reserve = new MeasuredDiskReserve(
    { blobs: { space: async () => disk.space }, clock },
    { minFreeBytes: gibibyte, minFreeShare: 0.05 },
  );
  const state = new MemoryState();
  const metadata = new MemoryMetadataStore(state);
  const memory = {
    metadata,
    leases: new Leases({ metadata, clock }),
    keepsReferrers: false,
    blobs,
    uploads: new MemoryUploadStore(blobs),
    clock,
    ulids: countedUlids(clock),
    limits: { ...defaultLimits, ...limits },
    reserve,
  };
  const stood = { ...memory, ...stores(memory, state) };
  const ports = { ...stood, leases: new Leases(stood) };
  return {
    ports: { ...ports, blobs },
    clock,
    disk,
    blobs: new Blobs(ports),
    uploads: new Uploads(ports),
    manifests: new Manifests(ports),
    tags: new Tags(ports),
    referrers: new Referrers(ports),
    catalog: new Catalog(ports),
    state,
  };
}

function settableClock(): MemoryRegistry["clock"] {
  let now = Date.UTC(2026, 0, 1);
  return {
    now: () => now,
    advance: (ms) => {
      now += ms;
    },
  };
}

const base32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** The time in front as a ULID has it, a count behind. */
function countedUlids(clock: MemoryRegistry["clock"]): RegistryPorts["ulids"] {
  let count = 0;
  return { next: () => (digits(clock.now(), 10) + digits(++count, 16)) as Ulid };
}

function digits(value: number, length: number): string {
  let text = "";
  for (let rest = value; text.length < length; rest = Math.floor(rest / 32)) text = (base32[rest % 32] ?? "") + text;
  return text;
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function digestOfText(text: string, algorithm?: "sha512"): Digest {
  return digestOf(bytesOf(text), algorithm);
}

/** A request's body with its length announced. */
export function body(text: string): IncomingBody {
  const request = new Request("http://registry/", { method: "PUT", body: text });
  return { request, lengthBytes: bytesOf(text).length };
}

/** Stores a blob whole and answers its digest. */
export async function pushBlob(registry: MemoryRegistry, text: string, repository = app): Promise<Digest> {
  await registry.uploads.putWhole(repository, alice, digestOfText(text), body(text));
  return digestOfText(text);
}

const layerType = "application/vnd.oci.image.layer.v1.tar+gzip";

export function descriptorOf(text: string, mediaType = layerType): { mediaType: string; digest: Digest; size: number } {
  return { mediaType, digest: digestOfText(text), size: bytesOf(text).length };
}

/** An image of a config and layers with these texts. */
export function imageText(layers: readonly string[], more: object = {}): string {
  const config = descriptorOf("{}", "application/vnd.oci.image.config.v1+json");
  const list = layers.map((layer) => descriptorOf(layer));
  return JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: list, ...more });
}

export function indexText(children: readonly object[], more: object = {}): string {
  return JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: children, ...more });
}

export function tagged(tag: string): Reference {
  return { kind: "tag", tag: parseTag(tag) };
}

export function byDigest(digest: Digest): Reference {
  return { kind: "digest", digest };
}

/** Pushes a manifest by its sha256 digest, or by what is said. */
export function pushManifest(
  registry: MemoryRegistry,
  text: string,
  reference: Reference = byDigest(digestOfText(text)),
  tags: readonly string[] = [],
): Promise<StoredManifest> {
  const pushed = {
    reference,
    tags: tags.map(parseTag),
    contentType: undefined,
    bytes: bytesOf(text),
    mayOverwriteTag: true,
  };
  return registry.manifests.put(app, alice, pushed);
}

/** The refusal that a call ends with; fails for anything that is no refusal. */
export async function refusalOf(call: Promise<unknown>): Promise<RegistryError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof RegistryError) return error;
    throw error;
  }
  throw new Error("the call was not refused");
}

export async function codeOf(call: Promise<unknown>): Promise<string> {
  return (await refusalOf(call)).code;
}
