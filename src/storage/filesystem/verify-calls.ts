import type { Digest } from "../../core/digest.ts";
import type { FileVerdict } from "../../core/blob-store.ts";

/** The calls of the serving thread to the verifying thread. */
export type VerifyCalls = {
  verify: {
    input: {
      readonly key: string;
      readonly sizeBytes: number;
      readonly digest: Digest;
      readonly bytesPerSecond: number;
    };
    output: FileVerdict;
  };
};
