/** Bounds on what a client may send. Each is a setting; the comments of the settings' schema say what each is for. */
export interface Limits {
  readonly manifestBytes: number;
  readonly manifestDescriptors: number;
  readonly manifestDepth: number;
  readonly tagsPerPut: number;
  readonly uploadsPerPrincipal: number;
  readonly uploadsInAll: number;
  readonly blobBytes: number;
  readonly pageEntries: number;
  readonly referrersPageBytes: number;
  /** An upload that nobody has touched for so long is removed. */
  readonly uploadIdleMs: number;
  /** An index may name manifests that the repository does not have (a sparse copy). */
  readonly sparseIndexes: boolean;
  /** An image may name blobs that the repository does not have. */
  readonly sparseImages: boolean;
}

export const defaultLimits: Limits = {
  manifestBytes: 4 * 1024 * 1024,
  manifestDescriptors: 4096,
  manifestDepth: 64,
  tagsPerPut: 64,
  uploadsPerPrincipal: 1000,
  uploadsInAll: 10_000,
  blobBytes: 1024 ** 4,
  pageEntries: 1000,
  referrersPageBytes: 4 * 1024 * 1024,
  uploadIdleMs: 24 * 60 * 60 * 1000,
  sparseIndexes: true,
  sparseImages: false,
};
