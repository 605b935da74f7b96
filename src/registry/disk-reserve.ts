import type { BlobStore, DiskSpace } from "../core/blob-store.ts";
import type { Clock } from "../core/clock.ts";
import { RegistryError } from "../core/error.ts";
import type { DiskReserve } from "./ports.ts";

/** How much of the disk pushes leave alone: the larger of the two counts. */
export interface ReserveSettings {
  readonly minFreeBytes: number;
  /** From 0 to 1. */
  readonly minFreeShare: number;
}

const maxAgeMs = 1000;

/** Measures the blob store's disk, at most once a second however many pushes ask. */
export class MeasuredDiskReserve implements DiskReserve {
  readonly #blobs: Pick<BlobStore, "space">;
  readonly #clock: Clock;
  readonly #settings: ReserveSettings;
  #measured: { readonly at: number; readonly space: Promise<DiskSpace> } | undefined;

  constructor(ports: { readonly blobs: Pick<BlobStore, "space">; readonly clock: Clock }, settings: ReserveSettings) {
    this.#blobs = ports.blobs;
    this.#clock = ports.clock;
    this.#settings = settings;
  }

  async assertRoomFor(bytes: number | undefined): Promise<void> {
    const space = await this.#space();
    const reserve = Math.max(this.#settings.minFreeBytes, this.#settings.minFreeShare * space.totalBytes);
    if (space.freeBytes < reserve) throw denied(`the registry's disk is nearly full: ${described(space)} free`);
    if (space.freeBytes - (bytes ?? 0) < reserve) {
      throw denied(`the registry's disk has no room for ${sizeText(bytes ?? 0)}: ${described(space)} free`);
    }
  }

  #space(): Promise<DiskSpace> {
    const now = this.#clock.now();
    if (this.#measured === undefined || now - this.#measured.at >= maxAgeMs) {
      const measured = { at: now, space: this.#blobs.space() };
      this.#measured = measured;
      // A failed measurement is told to whoever waits for it, and not to those who come later.
      measured.space.catch(() => {
        if (this.#measured === measured) this.#measured = undefined;
      });
    }
    return this.#measured.space;
  }
}

function denied(reason: string): RegistryError {
  return new RegistryError("DENIED", `${reason}; nothing was stored. Its administrator can free space: dozo status`);
}

function described({ freeBytes, totalBytes }: DiskSpace): string {
  const percent = totalBytes === 0 ? 0 : (100 * freeBytes) / totalBytes;
  return `${percent.toFixed(1)} % (${sizeText(freeBytes)})`;
}

function sizeText(bytes: number): string {
  const mebibytes = bytes / 1024 ** 2;
  return mebibytes < 1024 ? `${Math.floor(mebibytes)} MiB` : `${(mebibytes / 1024).toFixed(1)} GiB`;
}
