import { beforeEach, describe, expect, test } from "bun:test";
import {
  alice,
  app,
  body,
  digestOfText,
  memoryRegistry,
  type MemoryRegistry,
  other,
} from "../../test/registry/memory-registry.ts";
import type { CollectionReport } from "../core/collection-administration.ts";
import type { Digest } from "../core/digest.ts";
import { RegistryError } from "../core/error.ts";
import { leaseMs } from "../core/lease.ts";
import { MemoryCollectionStore } from "../storage/memory/collection-store.ts";
import { MemoryMetadataStore } from "../storage/memory/metadata-store.ts";
import { GarbageCollection } from "./garbage-collection.ts";
import type { Leases } from "./leases.ts";

const dayMs = 24 * 60 * 60 * 1000;
const long = "a blob that is too long for its row ".repeat(2000);

/** Leases cannot be written while `isFull`. */
class FullStore extends MemoryMetadataStore {
  isFull = false;

  override async leaseBlob(...given: Parameters<MemoryMetadataStore["leaseBlob"]>): Promise<boolean> {
    if (this.isFull) throw new RegistryError("UNAVAILABLE");
    return super.leaseBlob(...given);
  }
}

let registry: MemoryRegistry;
let garbage: GarbageCollection;
let recorded: CollectionReport[];
let unlinkHolds: { isHeld: boolean };

function make(registryOver: MemoryRegistry): void {
  registry = registryOver;
  recorded = [];
  unlinkHolds = { isHeld: false };
  const { state, ports, clock } = registry;
  const collection = new MemoryCollectionStore(state);
  const leases = ports.leases as Leases;
  const record = async (report: CollectionReport): Promise<void> => void recorded.push(report);
  garbage = new GarbageCollection(
    { collection, leases, blobs: ports.blobs, clock, unlinkHolds, pause: async () => {}, record },
    { trashMs: 14 * dayMs, keepsReferrers: false },
  );
}

beforeEach(() => make(memoryRegistry()));

async function push(text: string, repository = app): Promise<Digest> {
  const digest = digestOfText(text);
  await registry.uploads.putWhole(repository, alice, digest, body(text));
  return digest;
}

function isThere(digest: Digest, repository = app): Promise<boolean> {
  return registry.blobs.stat(repository, digest).then(
    () => true,
    () => false,
  );
}

describe("a collection", () => {
  test("takes what nobody needs, its file too, and puts that into the record once", async () => {
    const digest = await push(long);
    const record = await registry.blobs.stat(app, digest);
    registry.clock.advance(leaseMs);

    const report = await garbage.run();

    expect(report).toMatchObject({ blobs: 1, bytes: long.length, files: 1 });
    expect(recorded).toEqual([report]);
    expect(await isThere(digest)).toBe(false);
    const opened = await registry.blobs.open(record).catch((error: unknown) => error);
    expect(opened).toMatchObject({ code: "UNAVAILABLE" });
    expect(await garbage.run()).toMatchObject({ blobs: 0, files: 0 });
    expect(recorded).toHaveLength(1);
  });

  test.each(["HEAD", "mount"])("GC-01: leaves for a day what somebody was told of by a %s", async (how) => {
    const digest = await push("layer");
    registry.clock.advance(leaseMs * 0.9);

    if (how === "HEAD") await registry.blobs.stat(app, digest);
    else await registry.uploads.mount(app, alice, { digest, mayPullFrom: () => true });

    registry.clock.advance(leaseMs - 1);
    expect(await garbage.run()).toMatchObject({ blobs: 0 });
    registry.clock.advance(1);
    expect(await garbage.run()).toMatchObject({ blobs: 1 });
  });

  test("where the disk is full keeps in mind what somebody was told of, and takes the rest", async () => {
    const full: { store?: FullStore } = {};
    make(
      memoryRegistry({}, (_, state) => {
        full.store = new FullStore(state);
        return { metadata: full.store };
      }),
    );
    const held = await push("held");
    await push("not held");
    registry.clock.advance(leaseMs);
    if (full.store !== undefined) full.store.isFull = true;

    expect(await isThere(held)).toBe(true);
    expect(await garbage.run()).toMatchObject({ blobs: 1 });
    expect(await isThere(held)).toBe(true);
    registry.clock.advance(leaseMs);
    expect(await garbage.run()).toMatchObject({ blobs: 1 });
  });

  test("tells before what it would take, and why, and changes nothing by that", async () => {
    const digest = await push("layer");
    registry.clock.advance(leaseMs);

    const plan = await garbage.plan();

    expect(plan).toMatchObject({ expired: [], orphans: [], blobs: [{ repository: app, digest }], isComplete: true });
    expect(await isThere(digest)).toBe(true);
  });

  test("GC-03: that meets an error takes nothing more, and the next one goes on", async () => {
    const digests = await Promise.all([push(long), push(`${long}!`, other)]);
    registry.clock.advance(leaseMs);
    const { blobs } = registry.ports;
    const remove = blobs.delete.bind(blobs);
    let failures = 1;
    blobs.delete = async (key) => {
      if (failures-- > 0) throw new Error("EIO");
      return remove(key);
    };

    expect(await garbage.run().catch(String)).toContain("EIO");
    expect((await garbage.plan()).files).toHaveLength(2);
    expect(await garbage.run()).toMatchObject({ files: 2 });

    expect(await Promise.all(digests.map((digest) => isThere(digest)))).toEqual([false, false]);
  });

  test("leaves the files while they are held, and unlinks them when that is over", async () => {
    await push(long);
    registry.clock.advance(leaseMs);
    unlinkHolds.isHeld = true;

    expect(await garbage.run()).toMatchObject({ blobs: 1, files: 0 });
    unlinkHolds.isHeld = false;

    expect(await garbage.run()).toMatchObject({ blobs: 0, files: 1 });
  });

  test("of which one is under way is not begun a second time", async () => {
    await push("layer");
    registry.clock.advance(leaseMs);

    const [one, two] = await Promise.all([garbage.run(), garbage.run()]);

    expect(one).toBe(two);
    expect(recorded).toHaveLength(1);
  });

  test("stops at the end of a step", async () => {
    await push("layer");
    registry.clock.advance(leaseMs);
    await garbage.stop();

    expect(await garbage.run()).toMatchObject({ blobs: 0 });
  });
});
