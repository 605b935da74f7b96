import { createCipheriv, createHash, randomBytes } from "node:crypto";
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

// Content for the clients: images from the machine's own files, and OCI layouts made here, whose bytes are known.

/** A line of shell that writes a root file system with a shell and a few programs of this machine, as a tar archive. */
export const rootFilesystem = (archive: string): string =>
  `tar -chf ${archive} -C / bin/sh bin/echo bin/cat bin/sha256sum $(ldd /bin/sh /bin/echo /bin/cat /bin/sha256sum | grep -o '/[^ :]*\\.so[^ :]*' | sort -u | cut -c2-)`;

/** Bytes that no compression makes smaller, made about as fast as memory takes them. */
class Noise {
  readonly #cipher = createCipheriv("aes-128-ctr", randomBytes(16), Buffer.alloc(16));
  next(zeros: Buffer): Buffer {
    return this.#cipher.update(zeros);
  }
}

/** The header of one regular file in a tar archive (ustar). */
function tarHeader(name: string, sizeBytes: number): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write("0000644\0".padEnd(24, "0000000\0"), 100);
  header.write(`${sizeBytes.toString(8).padStart(11, "0")}\x0000000000000\0        0`, 124);
  header.write("ustar\x0000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

function tarOf(name: string, bytes: Buffer): Buffer {
  return Buffer.concat([
    tarHeader(name, bytes.length),
    bytes,
    Buffer.alloc(1024 + ((512 - (bytes.length % 512)) % 512)),
  ]);
}

/** Writes a Docker archive with one image of `layers` layers of `layerMiB` MiB of noise each, as `docker load` takes it. */
export function writeBigDockerArchive(file: string, tag: string, layers: number, layerMiB: number): void {
  const output = openSync(file, "w");
  const noise = new Noise();
  const zeros = Buffer.alloc(1 << 20);
  const end = Buffer.alloc(1024);
  const sizeBytes = layerMiB << 20;
  const diffIds: string[] = [];
  for (let layer = 0; layer < layers; layer += 1) {
    const hash = createHash("sha256");
    const put = (bytes: Buffer): void => {
      hash.update(bytes);
      writeSync(output, bytes);
    };
    writeSync(output, tarHeader(`layer${layer}.tar`, 512 + sizeBytes + 1024));
    put(tarHeader(`noise-${layer}`, sizeBytes));
    for (let mebibyte = 0; mebibyte < layerMiB; mebibyte += 1) put(noise.next(zeros));
    put(end);
    diffIds.push(`sha256:${hash.digest("hex")}`);
  }
  const small = (name: string, value: unknown): void => {
    const bytes = Buffer.from(JSON.stringify(value));
    writeSync(
      output,
      Buffer.concat([tarHeader(name, bytes.length), bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]),
    );
  };
  small("config.json", {
    architecture: "amd64",
    os: "linux",
    config: { Cmd: ["/none"] },
    rootfs: { type: "layers", diff_ids: diffIds },
  });
  small("manifest.json", [
    { Config: "config.json", RepoTags: [tag], Layers: diffIds.map((_, layer) => `layer${layer}.tar`) },
  ]);
  writeSync(output, end);
  closeSync(output);
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** Writes an OCI layout whose tag `multi` is an index of images for several platforms and an artifact beside them. */
export function writeMultiPlatformLayout(folder: string): { readonly indexDigest: string; readonly manifests: number } {
  mkdirSync(join(folder, "blobs/sha256"), { recursive: true });
  const put = (mediaType: string, content: Buffer | object): Descriptor => {
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
    const hex = createHash("sha256").update(bytes).digest("hex");
    writeFileSync(join(folder, "blobs/sha256", hex), bytes);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  };
  const noise = new Noise();
  const platforms = ["amd64", "arm64", "riscv64"].map((architecture) => {
    const tar = tarOf(`made-for-${architecture}`, noise.next(Buffer.alloc(300_000)));
    const config = put("application/vnd.oci.image.config.v1+json", {
      architecture,
      os: "linux",
      rootfs: { type: "layers", diff_ids: [`sha256:${createHash("sha256").update(tar).digest("hex")}`] },
    });
    const layers = [put("application/vnd.oci.image.layer.v1.tar+gzip", gzipSync(tar))];
    const mediaType = "application/vnd.oci.image.manifest.v1+json";
    return {
      ...put(mediaType, { schemaVersion: 2, mediaType, config, layers }),
      platform: { architecture, os: "linux" },
    };
  });
  const mediaType = "application/vnd.oci.image.index.v1+json";
  const index = put(mediaType, { schemaVersion: 2, mediaType, manifests: platforms });
  const named = { ...index, annotations: { "org.opencontainers.image.ref.name": "multi" } };
  writeFileSync(join(folder, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [named] }));
  writeFileSync(join(folder, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  return { indexDigest: index.digest, manifests: platforms.length };
}
