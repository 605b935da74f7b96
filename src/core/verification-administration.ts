import type { Digest } from "./digest.ts";
import type { StoredPosition } from "./verification-store.ts";

/** Bytes that are not what they should be; the next push of an image that needs them heals them. */
export interface FoundDamage {
  readonly kind: "blob" | "manifest";
  readonly digest: Digest;
  /** Some of the images that need them. */
  readonly images: readonly string[];
}

/** What was read, and what was found. */
export interface VerificationReport {
  readonly checked: number;
  readonly checkedBytes: number;
  readonly damaged: readonly FoundDamage[];
  /** What an image names and the repository does not have. */
  readonly missing: readonly Digest[];
}

/** What an operator asks about the soundness of what is stored. What is damaged is in quarantine afterwards. */
export interface VerificationAdministration {
  /** `team/app:1` or with a digest. Throws `AdministrationError` where there is no such image. */
  verifyImage(image: string): Promise<VerificationReport>;
  /** Some of everything that is stored, behind where the last call ended; `next` is undefined at the end. */
  verifySome(
    behind: StoredPosition | undefined,
  ): Promise<VerificationReport & { readonly next: StoredPosition | undefined }>;
}
