import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { type AuditEvent, auditJson } from "../../core/audit-event.ts";
import type { AuditSink } from "../../core/audit-sink.ts";
import { escaped } from "../../log.ts";

/** Events as JSON lines, whatever a client put into its name. */
export function auditLines(events: readonly AuditEvent[]): string {
  return events.map((event) => escaped(`${JSON.stringify(auditJson(event))}\n`)).join("");
}

/** The record as JSON lines in a file, which is opened for each group anew: so it may be moved away at any time. */
export class AuditFile implements AuditSink {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async write(events: readonly AuditEvent[]): Promise<void> {
    const { O_APPEND, O_CREAT, O_NONBLOCK, O_WRONLY } = constants;
    // A pipe without a reader would keep the record waiting.
    const file = await open(this.#path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o600);
    try {
      await append(file, auditLines(events), this.#path);
    } finally {
      await file.close();
    }
  }
}

/** All of it, or nothing: half a line would be no JSON. */
async function append(file: FileHandle, text: string, path: string): Promise<void> {
  const before = await file.stat();
  if (!before.isFile()) throw new Error(`${path} is not a regular file`);
  try {
    await file.writeFile(text);
  } catch (error) {
    await file.truncate(before.size);
    throw error;
  }
}
