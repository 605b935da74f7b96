import { createHash } from "node:crypto";
import type { Digest } from "../../src/core/digest.ts";
import { mediaTypes } from "../../src/core/media-type.ts";
import type { Tag } from "../../src/core/reference.ts";
import { repositories } from "./words.ts";

/** Bytes that a repository has, and their digest. */
export interface Content {
  readonly digest: Digest;
  readonly text: string;
}

/** What is in a repository of the matrix: an image of a config, a layer of its own and one that all have, and what refers to it. */
export interface RepositoryContent {
  readonly layer: Content;
  readonly image: Content;
  readonly referrer: Content;
  /** Beside `latest`, a tag that no other repository has. */
  readonly ownTag: Tag;
}

export const latest = "latest" as Tag;
const config = contentOf("{}");
/** What every repository has. */
export const common = contentOf("the layer that all have");
/** What is nowhere: `nowhere.digest` is the Z of the tests' words. */
export const nowhere = contentOf("nobody has pushed these bytes");

const contents = new Map(repositories.map(({ name }) => [name, makeContent(name)]));

/** What a repository has, or would have if it were there. */
export function contentIn(repository: string): RepositoryContent {
  const content = contents.get(repository);
  if (content === undefined) throw new Error(`${repository} is not in the words`);
  return content;
}

export const blobsOfAll: readonly Content[] = [config, common];

export function contentOf(text: string): Content {
  return { digest: `sha256:${createHash("sha256").update(text).digest("hex")}` as Digest, text };
}

/** An image of a config and these layers. */
export function imageOf(layers: readonly Content[], annotation: string): Content {
  const layerType = "application/vnd.oci.image.layer.v1.tar";
  return contentOf(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: descriptor(config, "application/vnd.oci.image.config.v1+json"),
      layers: layers.map((layer) => descriptor(layer, layerType)),
      annotations: { note: annotation },
    }),
  );
}

/** An index without entries, which needs nothing to be there; with a subject it refers to that. */
export function indexOf(annotation: string, subject?: Content): Content {
  const refers = subject === undefined ? {} : { subject: descriptor(subject, mediaTypes.ociManifest) };
  const note = { annotations: { note: annotation } };
  return contentOf(
    JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [], ...refers, ...note }),
  );
}

function makeContent(repository: string): RepositoryContent {
  const layer = contentOf(`a layer that only ${repository} has`);
  const image = imageOf([layer, common], `the image of ${repository}`);
  const referrer = indexOf(`what refers to the image of ${repository}`, image);
  return { layer, image, referrer, ownTag: `only-${repository.replaceAll("/", "_")}-has-it` as Tag };
}

function descriptor({ digest, text }: Content, mediaType: string): object {
  return { mediaType, digest, size: Buffer.byteLength(text) };
}
