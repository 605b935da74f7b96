import { LRUCache } from "lru-cache";
import { AdministrationError } from "../core/administration.ts";
import type { BlobStore } from "../core/blob-store.ts";
import type { Clock } from "../core/clock.ts";
import type { Digest } from "../core/digest.ts";
import { RegistryError } from "../core/error.ts";
import type { BlobRecord } from "../core/metadata-store.ts";
import { parseReference } from "../core/reference.ts";
import { parseRepositoryName } from "../core/repository-name.ts";
import type {
  FoundDamage,
  VerificationAdministration,
  VerificationReport,
} from "../core/verification-administration.ts";
import type { ImageContent, StoredBytes, StoredPosition, VerificationStore } from "../core/verification-store.ts";

export interface VerificationPorts {
  readonly verification: VerificationStore;
  readonly blobs: Pick<BlobStore, "verify" | "breakOff">;
  readonly clock: Clock;
  /** Hears of damage that was not known before. */
  readonly onDamage: (damage: FoundDamage) => void;
}

export interface ScrubSettings {
  /** Everything is read once in this time. */
  readonly periodMs: number;
  /** The scrub reads no faster than this. */
  readonly bytesPerSecond: number;
}

const mostDoubts = 10_000;
const mostKnownGood = 20_000;
const itemsAtOnce = 50;
const imagesTold = 5;

/**
 * Reads what is stored and compares digests: by and by everything (the scrub), at once what somebody reads who was long not
 * read, and what an operator asks about. What is damaged comes into quarantine: it answers as if it were not there, what is being
 * sent of it is broken off, and the next push of the same bytes heals it.
 */
export class Verification implements VerificationAdministration {
  readonly #ports: VerificationPorts;
  readonly #settings: ScrubSettings;
  readonly #doubts = new Map<string, StoredBytes>();
  /** Keys that were found good by this process: what others remember of them is older. */
  readonly #good = new LRUCache<string, true>({ max: mostKnownGood });
  #uncleanAt = 0;

  constructor(ports: VerificationPorts, settings: ScrubSettings) {
    this.#ports = ports;
    this.#settings = settings;
  }

  /** Notes that the registry serves; behind an end that was not in good order everything is in doubt once. */
  async start(): Promise<void> {
    this.#uncleanAt = (await this.#ports.verification.noteStart(this.#ports.clock.now())) ?? 0;
  }

  /** Whether a blob was not read for half a period, or since an unclean end. */
  isInDoubt({ content, verifiedAt }: BlobRecord): boolean {
    if (content.kind !== "file" || verifiedAt === undefined || this.#good.has(content.key)) return false;
    return verifiedAt < Math.max(this.#ports.clock.now() - this.#settings.periodMs / 2, this.#uncleanAt);
  }

  /** Has a blob read soon. Where very many are waiting it is left to the scrub. */
  doubt({ digest, sizeBytes, content }: BlobRecord): void {
    if (content.kind !== "file" || this.#doubts.size >= mostDoubts) return;
    this.#doubts.set(content.key, { kind: "blob", digest, sizeBytes, key: content.key });
  }

  /** Reads what is in doubt and what is due, some of it; answers how much it read, 0 when there is nothing to do. */
  async scrubSome(): Promise<number> {
    const { verification, clock } = this.#ports;
    const doubts = [...this.#doubts.values()].slice(0, itemsAtOnce);
    const due = await verification.listDue(clock.now() - this.#settings.periodMs, itemsAtOnce - doubts.length);
    for (const bytes of [...doubts, ...due]) {
      if (bytes.key !== undefined) this.#doubts.delete(bytes.key);
      await this.#verify(bytes, this.#settings.bytesPerSecond);
    }
    return doubts.length + due.length;
  }

  async verifyImage(image: string): Promise<VerificationReport> {
    const [, name = "", separator = "", text = ""] = /^(.+?)([:@])([^/]+)$/.exec(image) ?? [];
    const unknown = new AdministrationError("image-unknown", `there is no image ${image}`);
    if (name === "" || (separator === "@") !== text.includes(":")) throw unknown;
    const content = await this.#listImage(name, text);
    if (content === undefined) throw unknown;
    return { ...(await this.#verifyAll(content.stored)), missing: content.missing };
  }

  async verifySome(
    behind: StoredPosition | undefined,
  ): Promise<VerificationReport & { readonly next: StoredPosition | undefined }> {
    const { stored, next } = await this.#ports.verification.listStored(behind, itemsAtOnce);
    return { ...(await this.#verifyAll(stored)), missing: [], next };
  }

  async #listImage(name: string, reference: string): Promise<ImageContent | undefined> {
    try {
      return await this.#ports.verification.listImage(parseRepositoryName(name), parseReference(reference));
    } catch (error) {
      if (error instanceof RegistryError && error.code !== "UNAVAILABLE") return undefined;
      throw error;
    }
  }

  async #verifyAll(stored: readonly StoredBytes[]): Promise<Omit<VerificationReport, "missing">> {
    const damaged: Digest[] = [];
    let checkedBytes = 0;
    for (const bytes of stored) {
      if ((await this.#verify(bytes, Infinity)) === "damaged") damaged.push(bytes.digest);
      checkedBytes += bytes.sizeBytes;
    }
    const known = damaged.length === 0 ? [] : await this.#ports.verification.listQuarantined(mostDoubts);
    const found = known.filter(({ digest }) => damaged.includes(digest)).map(toDamage);
    return { checked: stored.length, checkedBytes, damaged: found };
  }

  async #verify(bytes: StoredBytes, bytesPerSecond: number): Promise<"good" | "damaged" | "gone"> {
    const { verification, blobs, clock, onDamage } = this.#ports;
    const { key, digest, sizeBytes } = bytes;
    const verdict =
      key === undefined
        ? await verification.checkRow(bytes)
        : await blobs.verify(key, sizeBytes, digest, bytesPerSecond);
    if (verdict === "gone") return verdict;
    if (verdict === "good") {
      await verification.noteGood([bytes], clock.now());
      if (key !== undefined) this.#good.set(key, true);
      return verdict;
    }
    // A file that is gone together with its row is no damage: the change looks at the row again.
    const quarantined = await verification.quarantine(bytes, clock.now());
    if (quarantined === "gone") return quarantined;
    if (key !== undefined) {
      this.#good.delete(key);
      blobs.breakOff(key);
    }
    if (quarantined === "new") {
      const all = await verification.listQuarantined(mostDoubts);
      const { images } = all.find((each) => each.digest === digest) ?? { images: [] };
      onDamage(toDamage({ ...bytes, images: images.slice(0, imagesTold) }));
    }
    return "damaged";
  }
}

function toDamage({ kind, digest, images }: FoundDamage): FoundDamage {
  return { kind, digest, images };
}
