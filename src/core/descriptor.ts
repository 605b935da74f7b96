import type { Digest } from "./digest.ts";

/** What one document says of another (OCI image specification, "Content Descriptors"). */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}
