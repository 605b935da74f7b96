import { expect } from "bun:test";
import { type Digest, digestOf } from "../../src/core/digest.ts";
import { mediaTypes } from "../../src/core/media-type.ts";
import type { TestRegistry } from "./registry.ts";

const encoder = new TextEncoder();

/** Pushes bytes in one request and answers their digest. */
export async function pushBlob(
  registry: TestRegistry,
  repository: string,
  content: string | Uint8Array,
  algorithm: "sha256" | "sha512" = "sha256",
): Promise<Digest> {
  const bytes = typeof content === "string" ? encoder.encode(content) : content;
  const digest = digestOf(bytes, algorithm);
  const answer = await registry.call("POST", `/v2/${repository}/blobs/uploads/?digest=${digest}`, { body: bytes });
  expect(answer.status).toBe(201);
  return digest;
}

/** The text of an image manifest; config and layers have to be there before it is pushed. */
export function imageManifest(
  config: Digest,
  sizeBytes: number,
  extra: Readonly<Record<string, unknown>> = {},
): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: config, size: sizeBytes },
    layers: [],
    ...extra,
  });
}

/** Pushes an image of a config alone under a tag or a digest; answers its digest. */
export async function pushImage(
  registry: TestRegistry,
  repository: string,
  reference: string,
  extra: Readonly<Record<string, unknown>> = {},
): Promise<Digest> {
  const config = await pushBlob(registry, repository, "{}");
  const body = imageManifest(config, 2, extra);
  const digest = digestOf(encoder.encode(body));
  const answer = await registry.call("PUT", `/v2/${repository}/manifests/${reference === "" ? digest : reference}`, {
    body,
    headers: { "content-type": mediaTypes.ociManifest },
  });
  expect(answer.status).toBe(201);
  return digest;
}

/** The code of the one error in an answer, which has to be in the specification's JSON. */
export async function errorCode(answer: Response): Promise<string> {
  expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
  const { errors } = (await answer.json()) as { errors: { code: string; message: string }[] };
  expect(errors).toHaveLength(1);
  expect(errors[0]?.message).toMatch(/./);
  return errors[0]?.code ?? "";
}
