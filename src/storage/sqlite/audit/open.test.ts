import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { AuditQuery } from "../../../core/audit-store.ts";
import { auditEvent, describeAuditStore } from "../../../core/audit-store.contract.ts";
import { parseRepositoryPattern } from "../../../core/repository-pattern.ts";
import { selectEvents } from "./events.ts";
import { openAuditConnection, prepareAuditDatabase } from "./format.ts";
import { openAuditDatabase } from "./open.ts";

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), "dozo-audit-"));
  folders.push(folder);
  return join(folder, "audit.db");
}

/** Writes events until that fails, and once more; then, when the disk is well again, another one. Tells what was acknowledged. */
const failingScript = `
  import { openAuditDatabase } from ${JSON.stringify(join(import.meta.dir, "open.ts"))};
  import { auditEvent } from ${JSON.stringify(join(import.meta.dir, "../../../core/audit-store.contract.ts"))};
  const faults = [];
  const onFault = (reason) => faults.push(reason);
  const store = await openAuditDatabase({ file: process.argv[2], programVersion: "1", onFault });
  const written = [];
  const write = (id) =>
    store.write([auditEvent(id, { reason: "x".repeat(10000) })]).then(
      () => written.push(id) > 0,
      () => false,
    );
  let id = 1;
  while (id < 5000 && (await write(id))) id += 1;
  await write(9998);
  Bun.spawnSync(["prlimit", "--pid", String(process.pid), "--fsize=unlimited"]);
  await write(9999);
  const events = await store.list({ withDetails: true, limit: 10000 });
  await store.close();
  console.log(JSON.stringify({ written, faults, listed: events.map((event) => event.id).reverse() }));
  process.exit(0);
`;

describe("the record in SQLite", () => {
  describeAuditStore(() => openAuditDatabase({ file: newFile(), programVersion: "1.2.3", onFault: () => {} }));

  test("is its owner's alone, and makes its file smaller when it drops events", async () => {
    const file = newFile();
    const store = await openAuditDatabase({ file, programVersion: "1.2.3", onFault: () => {} });
    await store.write(Array.from({ length: 5000 }, (_, at) => auditEvent(at + 1, { reason: "x".repeat(500) })));
    const { sizeBytes } = await store.facts();

    for (const bounds = { keepSince: Infinity, keepPullsSince: 0, maxBytes: Infinity }; await store.prune(bounds););

    expect((await store.facts()).sizeBytes).toBeLessThan(sizeBytes / 10);
    await store.close();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(file).size).toBeLessThan(sizeBytes / 10);
  });

  test("drops when images were pulled last before it drops refusals, and says that it knows no pull of before", async () => {
    const store = await openAuditDatabase({ file: newFile(), programVersion: "1.2.3", onFault: () => {} });
    const at = 2e12;
    const events = Array.from({ length: 3000 }, (_, index) =>
      auditEvent(index + 1, {
        ...(index % 2 === 0 ? {} : { kind: "refusal", outcome: "refused" }),
        repository: `r${index}`,
        lastAt: at + index,
      }),
    );
    await store.write(events);
    const { sizeBytes } = await store.facts();

    for (const bounds = { keepSince: 0, keepPullsSince: 0, maxBytes: 0.6 * sizeBytes }; await store.prune(bounds););

    expect(await store.list({ what: "refusal", withDetails: true, limit: 3000 })).toHaveLength(1500);
    expect(await store.lastPulls([{ repository: "r2998", digest: events[0]?.digest ?? "" }])).toEqual([]);
    expect((await store.facts()).completeSince).toBe(at + 2999);
    await store.close();
  });

  test("fails with the disk, and is back with it, with all that was acknowledged", () => {
    const file = newFile();
    const script = join(dirname(file), "run.ts");
    writeFileSync(script, failingScript);

    // The kernel refuses to let a file grow beyond 1 MiB (EFBIG), which SQLite reports as an I/O error, until that is lifted.
    const command = `trap "" XFSZ; ulimit -S -f 1024; exec ${process.execPath} ${script} ${file}`;
    const { stdout, stderr } = Bun.spawnSync(["bash", "-c", command]);

    expect(stderr.toString()).toBe("");
    const { written, faults, listed } = JSON.parse(stdout.toString()) as {
      readonly written: readonly number[];
      readonly faults: readonly string[];
      readonly listed: readonly number[];
    };
    expect(faults.length).toBeGreaterThan(0);
    expect(new Set(faults)).toEqual(new Set(["the database's disk failed: disk I/O error"]));
    expect(listed).toEqual([...written]);
    expect(written.at(-1)).toBe(9999);
  });

  test("finds what is asked for most by an index", () => {
    const file = newFile();
    prepareAuditDatabase(file, "1.2.3");
    const db = openAuditConnection(file);
    const planOf = (query: Partial<AuditQuery>): string => {
      const { sql, values } = selectEvents({ withDetails: true, limit: 1, ...query });
      const steps = db.query<{ detail: string }, (string | number)[]>(`EXPLAIN QUERY PLAN ${sql}`).all(...values);
      return steps.map(({ detail }) => detail).join("; ");
    };

    expect(planOf({ who: "maria" })).toContain("USING INDEX events_by_name");
    expect(planOf({ repositories: parseRepositoryPattern("team/app") })).toContain("USING INDEX events_by_repository");
    // From the newest on, until the page is full: nothing is sorted.
    expect(planOf({})).toBe("SCAN events USING INDEX events_by_id");
    expect(planOf({ before: 1000 })).toBe("SEARCH events USING INDEX events_by_id (id<?)");
    expect(planOf({ who: "maria", before: 1000 })).toContain("USING INDEX events_by_name (name=? AND id<?)");
    db.close();
  });
});
