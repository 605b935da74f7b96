/** The media types that the registry must know by name; every other is carried as it comes. */
export const mediaTypes = {
  ociManifest: "application/vnd.oci.image.manifest.v1+json",
  ociIndex: "application/vnd.oci.image.index.v1+json",
  ociEmpty: "application/vnd.oci.empty.v1+json",
  ociArtifact: "application/vnd.oci.artifact.manifest.v1+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerManifestList: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerSchema1: "application/vnd.docker.distribution.manifest.v1+json",
  dockerSchema1Signed: "application/vnd.docker.distribution.manifest.v1+prettyjws",
} as const;

/** Layers that their owners forbid to distribute: the registry need not have them (OCI image specification, "Non-Distributable Layers"). */
export function isNonDistributable(mediaType: string): boolean {
  return (
    mediaType.startsWith("application/vnd.oci.image.layer.nondistributable.v1.") ||
    mediaType === "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip" ||
    mediaType === "application/vnd.docker.image.rootfs.foreign.diff.tar"
  );
}

const blobPrefixes = [
  "application/vnd.oci.image.layer.",
  "application/vnd.oci.image.config.",
  "application/vnd.docker.image.rootfs.",
  "application/vnd.docker.container.image.",
  "application/vnd.buildkit.cacheconfig.",
];

/** Layers and configs: in the `manifests` of an index (BuildKit writes its cache so) they are blobs all the same. */
export function isBlobMediaType(mediaType: string): boolean {
  return blobPrefixes.some((prefix) => mediaType.startsWith(prefix));
}
