import { type JsonBounds, JsonRefusal, parseBoundedJson } from "./bounded-json.ts";
import type { Descriptor } from "./descriptor.ts";
import { algorithmOf, type Digest, digestOf, isDigest } from "./digest.ts";
import { RegistryError } from "./error.ts";
import type { Limits } from "./limits.ts";
import { isBlobMediaType, isNonDistributable, mediaTypes } from "./media-type.ts";
import type { NamedContent } from "./metadata-store.ts";

/** What the registry knows of a manifest beyond its bytes: what it refers to, and what a referrers list shows of it. */
export interface Manifest {
  readonly mediaType: string;
  /** Config, layers and blobs that have to be there; each digest once. */
  readonly blobs: readonly NamedContent[];
  /** The manifests of an index; each digest once. */
  readonly manifests: readonly NamedContent[];
  readonly subject: Digest | undefined;
  readonly referrer: Pick<Descriptor, "artifactType" | "annotations">;
}

export type ManifestLimits = Pick<Limits, "manifestBytes" | "manifestDescriptors" | "manifestDepth">;

type JsonObject = Readonly<Record<string, unknown>>;

/** A descriptor as it stands in a manifest. */
interface NamedDescriptor extends NamedContent {
  readonly mediaType: string;
}

const uniqueKeys = ["mediaType", "config", "layers", "manifests", "blobs", "subject", "digest", "size"];
const spellings = new Map(uniqueKeys.map((key) => [key.toUpperCase(), key]));
// Room for `manifestDescriptors` descriptors of 16 keys each; beyond it a parser takes longer than others should wait.
const maxKeys = 65_536;
const maxTokens = 400_000;

const indexTypes: readonly string[] = [mediaTypes.ociIndex, mediaTypes.dockerManifestList];
const imageTypes: readonly string[] = [mediaTypes.ociManifest, mediaTypes.dockerManifest];
const schema1Types: readonly string[] = [mediaTypes.dockerSchema1, mediaTypes.dockerSchema1Signed];

// RFC 6838 section 4.2, restricted to what says of itself that it is JSON: nothing that a browser would show.
const manifestType = /^application\/[a-z0-9][a-z0-9!#$&^_.+-]{0,121}\+json$/;

/**
 * Reads a manifest and judges it. Docker schema 2, OCI images, indexes and artifacts, and documents of any other type
 * `application/…+json` are read by the same rules; whatever the registry does not know in them is carried, not judged.
 * `contentType` is the request's header: its parameters are ignored (distribution specification, "Pushing Manifests").
 *
 * Throws `MANIFEST_TOO_LARGE`, `MANIFEST_INVALID`, and `DIGEST_INVALID` for a malformed digest in a descriptor.
 */
export function parseManifest(bytes: Uint8Array, contentType: string | undefined, limits: ManifestLimits): Manifest {
  if (bytes.length > limits.manifestBytes) {
    throw new RegistryError(
      "MANIFEST_TOO_LARGE",
      `the manifest has ${bytes.length} bytes; this registry accepts ${limits.manifestBytes}`,
    );
  }
  const document = readDocument(bytes, limits);
  const mediaType = mediaTypeOf(document, contentType);
  checkShape(document, mediaType);
  return readManifest(document, mediaType, limits.manifestDescriptors);
}

function invalid(reason: string): RegistryError {
  return new RegistryError("MANIFEST_INVALID", `the manifest is not valid: ${reason}`);
}

function readDocument(bytes: Uint8Array, limits: ManifestLimits): JsonObject {
  const bounds: JsonBounds = { maxDepth: limits.manifestDepth, maxKeys, maxTokens, uniqueKeys, integerKeys: ["size"] };
  try {
    return asObject(parseBoundedJson(bytes, bounds), "it");
  } catch (error) {
    throw error instanceof JsonRefusal ? invalid(error.message) : error;
  }
}

function mediaTypeOf(document: JsonObject, contentType: string | undefined): string {
  const header = (contentType ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
  const own = textIn(document, "mediaType", "");
  if (schema1Types.includes(header) || document["schemaVersion"] === 1 || document["fsLayers"] !== undefined) {
    throw invalid("image manifest version 2, schema 1 is not accepted; push with Docker 1.10 or later");
  }
  if (own !== undefined && header !== "" && own !== header) {
    throw invalid(`Content-Type says ${header}, the mediaType in it says ${shown(own)}`);
  }
  const mediaType = own ?? header;
  if (mediaType === "") throw invalid("neither Content-Type nor mediaType says what it is");
  if (!manifestType.test(mediaType)) {
    throw invalid(`${shown(mediaType)} is not the media type of a manifest (application/…+json)`);
  }
  return mediaType;
}

/** CVE-2021-41190: a document that is an image to one reader and an index to another. */
function checkShape(document: JsonObject, mediaType: string): void {
  checkSpelling(document, "");
  const isIndex = indexTypes.includes(mediaType);
  const isImage = imageTypes.includes(mediaType);
  const has = (key: string): boolean => isPresent(document[key]);
  if (has("manifests") && (has("layers") || has("config") || has("blobs"))) {
    throw invalid("it has manifests like an index and config, layers or blobs like an image");
  }
  if (isIndex && (has("layers") || has("config") || has("blobs")))
    throw invalid("an index has no config and no layers");
  if (isImage && has("manifests")) throw invalid("an image has no manifests");
  if (isImage && !has("config")) throw invalid("an image has to have a config");
  if ((isIndex || isImage) && has("schemaVersion") && document["schemaVersion"] !== 2) {
    throw invalid("schemaVersion has to be 2");
  }
}

function readManifest(document: JsonObject, mediaType: string, maxDescriptors: number): Manifest {
  const lists = ["layers", "blobs", "manifests"].map((key) => listIn(document, key));
  if (lists.reduce((sum, list) => sum + list.length, 0) > maxDescriptors) {
    throw invalid(`it names more than ${maxDescriptors} things`);
  }
  const [layers = [], blobs = [], children = []] = ["layers", "blobs", "manifests"].map((key, index) =>
    (lists[index] ?? []).map((entry, position) => readDescriptor(entry, `${key}[${position}]`)),
  );
  const config = isPresent(document["config"]) ? readDescriptor(document["config"], "config") : undefined;
  const subject = isPresent(document["subject"]) ? readDescriptor(document["subject"], "subject") : undefined;
  const needed = [...layers, ...blobs].filter((descriptor) => !isNonDistributable(descriptor.mediaType));
  const ownBlobs = config === undefined ? needed : [config, ...needed];
  return {
    mediaType,
    blobs: eachOnce([...ownBlobs, ...children.filter((child) => isBlobMediaType(child.mediaType))]),
    manifests: eachOnce(children.filter((child) => !isBlobMediaType(child.mediaType))),
    subject: subject?.digest,
    referrer: readReferrer(document, config?.mediaType),
  };
}

/** Distribution specification, "Listing Referrers": an image without an artifact type goes by its config's media type. */
function readReferrer(document: JsonObject, configType: string | undefined): Manifest["referrer"] {
  const artifactType = textIn(document, "artifactType", "") ?? configType;
  const annotations = isPresent(document["annotations"]) ? readAnnotations(document["annotations"]) : undefined;
  return {
    ...(artifactType !== undefined && { artifactType }),
    ...(annotations !== undefined && { annotations }),
  };
}

function readAnnotations(value: unknown): Readonly<Record<string, string>> {
  const annotations = asObject(value, "annotations");
  for (const [key, text] of Object.entries(annotations)) {
    if (typeof text !== "string") throw invalid(`the annotation ${shown(key)} is not a string`);
  }
  return annotations as Readonly<Record<string, string>>;
}

/** Reads one descriptor (OCI image specification, "Content Descriptors"); `at` says where it stands. */
function readDescriptor(value: unknown, at: string): NamedDescriptor {
  const descriptor = asObject(value, at);
  checkSpelling(descriptor, `${at}.`);
  const { digest, size } = descriptor;
  const mediaType = textIn(descriptor, "mediaType", `${at}.`);
  if (mediaType === undefined) throw invalid(`${at} has no mediaType`);
  if (typeof digest !== "string" || !isDigest(digest)) {
    throw new RegistryError(
      "DIGEST_INVALID",
      `${at}.digest has to be sha256: or sha512: and lower-case hexadecimal digits`,
    );
  }
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    throw invalid(`${at}.size has to be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`);
  }
  if (isPresent(descriptor["data"])) checkData(descriptor["data"], digest, size, at);
  return { mediaType, digest, sizeBytes: size };
}

/** OCI image specification, "Content Descriptors": embedded data has to be what the digest and the size say. */
function checkData(data: unknown, digest: Digest, size: number, at: string): void {
  const bytes = typeof data === "string" ? fromBase64(data) : undefined;
  if (bytes === undefined) throw invalid(`${at}.data is not base64 (RFC 4648 section 4)`);
  if (bytes.length !== size || digestOf(bytes, algorithmOf(digest)) !== digest) {
    throw invalid(`${at}.data is not what its digest and size say`);
  }
}

function fromBase64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.fromBase64(text, { lastChunkHandling: "strict" });
  } catch {
    return undefined;
  }
}

/** Naming a thing many times is legal; saying two sizes of it is not. */
function eachOnce(named: readonly NamedDescriptor[]): readonly NamedContent[] {
  const sizes = new Map<Digest, number>();
  for (const { digest, sizeBytes } of named) {
    if ((sizes.get(digest) ?? sizeBytes) !== sizeBytes) throw invalid(`${digest} stands in it with two sizes`);
    sizes.set(digest, sizeBytes);
  }
  return [...sizes].map(([digest, sizeBytes]) => ({ digest, sizeBytes }));
}

/** Clients written in Go take `Layers` for `layers`: they would read another document than the one judged here. */
function checkSpelling(object: JsonObject, at: string): void {
  for (const key of Object.keys(object)) {
    const meant = spellings.get(key.toUpperCase());
    if (meant !== undefined && meant !== key) throw invalid(`${at}${shown(key)} has to be spelt ${meant}`);
  }
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function asObject(value: unknown, at: string): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid(`${at} is not an object`);
  return value as JsonObject;
}

function listIn(object: JsonObject, key: string): readonly unknown[] {
  const value = object[key];
  if (!isPresent(value)) return [];
  if (!Array.isArray(value)) throw invalid(`${key} is not a list`);
  return value;
}

/** An empty text says as little as none (Go writes it for "not set"). */
function textIn(object: JsonObject, key: string, at: string): string | undefined {
  const value = object[key];
  if (!isPresent(value) || value === "") return undefined;
  if (typeof value !== "string") throw invalid(`${at}${key} is not a string`);
  return value;
}

/** What a client sent, in a message: bounded, and without characters that could pass for the message's own. */
function shown(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
