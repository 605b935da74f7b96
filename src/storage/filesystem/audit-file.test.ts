import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { auditEvent } from "../../core/audit-store.contract.ts";
import { AuditFile, auditLines } from "./audit-file.ts";

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "dozo-audit-file-"));
  path = join(folder, "audit.jsonl");
});
afterEach(() => rmSync(folder, { recursive: true }));

function idsIn(file: string): readonly unknown[] {
  const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => (JSON.parse(line) as { id: unknown }).id);
}

describe("the record in a file", () => {
  test("is a line of JSON an event, behind what is there, and its owner's alone", async () => {
    await new AuditFile(path).write([auditEvent(1), auditEvent(2)]);
    await new AuditFile(path).write([auditEvent(3)]);

    expect(idsIn(path)).toEqual([1, 2, 3]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("goes on in a new file when the old one is moved away", async () => {
    const file = new AuditFile(path);
    await file.write([auditEvent(1)]);
    renameSync(path, `${path}.1`);
    await file.write([auditEvent(2)]);

    expect(idsIn(`${path}.1`)).toEqual([1]);
    expect(idsIn(path)).toEqual([2]);
  });

  test.each(["pipe", "folder"])("is refused in a %s", async (kind) => {
    if (kind === "pipe") Bun.spawnSync(["mkfifo", path]);
    else mkdirSync(path);

    expect(new AuditFile(path).write([auditEvent(1)])).rejects.toThrow();
  });

  test("leaves no half line behind where the disk is full", () => {
    const script = join(folder, "write.ts");
    const imports = ["audit-file.ts", "../../core/audit-store.contract.ts"].map((file) => join(import.meta.dir, file));
    Bun.spawnSync(["bash", "-c", `cat > ${script}`], {
      stdin: Buffer.from(`
        import { AuditFile } from ${JSON.stringify(imports[0])};
        const event = JSON.parse(process.argv[2]);
        let written = 0;
        try { for (; written < 100; written++) await new AuditFile(${JSON.stringify(path)}).write([event]); }
        catch { console.log(written); }
      `),
    });
    const event = JSON.stringify(auditEvent(1, { reason: "x".repeat(5000) }));
    const limited = `trap "" XFSZ; ulimit -S -f 16; exec ${process.execPath} ${script} '${event}'`;
    const { stdout } = Bun.spawnSync(["bash", "-c", limited]);

    const written = Number(stdout.toString());
    expect(written).toBeGreaterThan(1);
    expect(idsIn(path)).toHaveLength(written);
    expect(readFileSync(path, "utf8")).toEndWith("\n");
  });

  test("LOG-01: is as many lines as events, whatever stands in names, reasons and addresses", () => {
    const hostile = 'a\r\nb\u001b[2J\u2028\u202e\u0085\u200b"{}\n' + "x".repeat(65_536);
    const text = auditLines([
      auditEvent(1, { name: hostile, reason: hostile, repository: hostile, addresses: [hostile], object: hostile }),
      auditEvent(2),
    ]);

    expect(text.split("\n")).toHaveLength(3);
    // oxlint-disable-next-line no-control-regex
    expect(text.replaceAll("\n", "")).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u200b]/);
    expect(JSON.parse(text.split("\n")[0] ?? "")).toMatchObject({ name: hostile });
  });
});
