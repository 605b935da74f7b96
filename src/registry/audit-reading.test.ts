import { beforeEach, describe, expect, test } from "bun:test";
import {
  app,
  digestOfText,
  imageText,
  indexText,
  type MemoryRegistry,
  memoryRegistry,
  pushManifest,
  tagged,
} from "../../test/registry/memory-registry.ts";
import type { UnusedImages } from "../core/audit-state.ts";
import { auditEvent } from "../core/audit-store.contract.ts";
import type { Digest } from "../core/digest.ts";
import { parseRepositoryPattern } from "../core/repository-pattern.ts";
import { MemoryAuditStore } from "../storage/memory/audit-store.ts";
import { LocalAuditReading } from "./audit-reading.ts";
import { AuditTrail } from "./audit-trail.ts";

const dayMs = 86_400_000;

let registry: MemoryRegistry;
let store: MemoryAuditStore;
let lastId: number;

beforeEach(() => {
  registry = memoryRegistry({ sparseImages: true });
  store = new MemoryAuditStore();
  lastId = 0;
});

async function pulled(digest: Digest): Promise<void> {
  const lastAt = registry.clock.now();
  await store.write([auditEvent(++lastId, { repository: app, digest, at: lastAt, lastAt })]);
}

function unused(
  days: number,
  changes: { readonly pattern?: string; readonly limit?: number } = {},
): Promise<UnusedImages> {
  const { pattern, limit = 10 } = changes;
  const trail = { settle: async () => {}, isUnreadable: () => {}, state: () => ({ trouble: undefined, lost: 0 }) };
  const reading = new LocalAuditReading({ store, trail, metadata: registry.ports.metadata, keepDays: 90 });
  const repositories = pattern === undefined ? undefined : parseRepositoryPattern(pattern);
  return reading.unused({ since: registry.clock.now() - days * dayMs, repositories, limit });
}

async function tagsUnused(days: number, pattern?: string): Promise<readonly string[]> {
  const { images } = await unused(days, pattern === undefined ? {} : { pattern });
  return images.map(({ tags }) => tags.join());
}

describe("unused images", () => {
  test("are those that nobody has pulled or pushed for so long", async () => {
    const old = imageText(["old"]);
    const used = imageText(["used"]);
    await pushManifest(registry, old, tagged("old"));
    await pushManifest(registry, used, tagged("used"));
    await pulled(digestOfText(old));
    registry.clock.advance(80 * dayMs);
    await pulled(digestOfText(used));
    await pushManifest(registry, imageText(["new"]), tagged("new"));
    registry.clock.advance(20 * dayMs);

    expect(await tagsUnused(90)).toEqual(["old"]);
    expect(await tagsUnused(10)).toEqual(["old", "used", "new"]);
    expect((await unused(90)).images[0]?.lastPulledAt).toBe(registry.clock.now() - 100 * dayMs);
  });

  test("are not those of which a part was pulled", async () => {
    const amd = imageText(["amd"]);
    const child = {
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      digest: digestOfText(amd),
      size: amd.length,
    };
    await pushManifest(registry, amd);
    await pushManifest(registry, indexText([child]), tagged("multi"));
    registry.clock.advance(100 * dayMs);
    expect(await tagsUnused(90)).toEqual(["multi"]);

    await pulled(digestOfText(amd));

    expect(await tagsUnused(90)).toEqual([]);
  });

  test("are listed of the repositories that are asked for, up to a limit, with whether there are more", async () => {
    for (const tag of ["a", "b", "c"]) await pushManifest(registry, imageText([tag]), tagged(tag));
    registry.clock.advance(100 * dayMs);

    expect(await tagsUnused(90, "other/**")).toEqual([]);
    expect(await tagsUnused(90, "team/*")).toEqual(["a", "b", "c"]);
    expect(await unused(90, { limit: 2 })).toMatchObject({ hasMore: true, images: [{ tags: ["a"] }, { tags: ["b"] }] });
    expect(await unused(90, { limit: 3 })).toMatchObject({ hasMore: false });
  });

  test("are counted beyond the end of a page of the store", async () => {
    for (let count = 0; count <= 500; count += 1) await pushManifest(registry, imageText([`${count}`]));
    registry.clock.advance(100 * dayMs);

    expect((await unused(90, { limit: 500 })).hasMore).toBe(true);
    expect((await unused(90, { limit: 501 })).hasMore).toBe(false);
  });
});

test("a record that cannot be read has a summary all the same, which says so, with what was known of it", async () => {
  class FailingStore extends MemoryAuditStore {
    isFailing = false;

    override async facts(): ReturnType<MemoryAuditStore["facts"]> {
      if (this.isFailing) throw new Error("disk I/O error");
      return { ...(await super.facts()), sizeBytes: 4096 };
    }
  }
  const failing = new FailingStore();
  const { clock, ports } = registry;
  const bounds = { keepDays: 90, maxBytes: 1e9 };
  const trail = await AuditTrail.open({
    ...bounds,
    clock,
    store: failing,
    sink: undefined,
    onTrouble: () => {},
    freeBytes: async () => 1e12,
    later: () => {},
  });
  const reading = new LocalAuditReading({ store: failing, trail, metadata: ports.metadata, keepDays: 90 });
  const { completeSince } = await reading.summary();

  failing.isFailing = true;
  const summary = await reading.summary();

  expect(summary).toMatchObject({ sizeBytes: 4096, completeSince, lost: 0 });
  expect(summary.trouble).toMatchObject({ missing: "everything", reason: "disk I/O error" });
});
