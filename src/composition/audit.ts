import { statfs } from "node:fs/promises";
import type { Settings } from "../config/settings.ts";
import type { AuditSink } from "../core/audit-sink.ts";
import type { AuditReading, AuditState } from "../core/audit-state.ts";
import type { AuditStore } from "../core/audit-store.ts";
import type { Log } from "../log.ts";
import { AuditTrail } from "../registry/audit-trail.ts";
import { AuditFile, auditLines } from "../storage/filesystem/audit-file.ts";
import { openAuditDatabase } from "../storage/sqlite/audit/open.ts";
import type { AppOptions } from "./app-options.ts";
import { clock } from "./clock.ts";

/** The record: what is told of it, and what is asked. */
export interface Audit {
  readonly trail: AuditTrail;
  readonly reading: AuditReading;
  readonly store: AuditStore;
}

/** Opens the record of the folder. Where nothing serves, nobody drops what the server's own settings may keep. */
export async function openAudit(
  { data, auditDays, auditMaxBytes, auditFile }: Settings,
  { programVersion, log, auditOutput }: Pick<AppOptions, "programVersion" | "log" | "auditOutput">,
): Promise<Omit<Audit, "reading">> {
  const onFault = (reason: string): void =>
    log.error("a thread of the record of what happens has ended; another is started", { reason });
  const store = await openAuditDatabase({ file: `${data}/audit.db`, programVersion, onFault });
  const isServing = auditOutput !== undefined;
  const trail = await AuditTrail.open({
    store,
    sink: auditSink(auditFile, auditOutput),
    clock,
    onTrouble: (state) => logTrouble(log, state),
    freeBytes: async () => {
      const { bavail, bsize } = await statfs(data);
      return bavail * bsize;
    },
    keepDays: isServing ? auditDays : Infinity,
    maxBytes: isServing ? auditMaxBytes : Infinity,
  });
  return { trail, store };
}

function auditSink(file: string | undefined, output: AppOptions["auditOutput"]): AuditSink | undefined {
  if (file !== "-") return file === undefined ? undefined : new AuditFile(file);
  return output === undefined ? undefined : { write: async (events) => output(auditLines(events)) };
}

function logTrouble(log: Log, { trouble, lost }: AuditState): void {
  if (trouble === undefined) return log.info("the record of what happens is written again", { lost });
  const { missing, reason } = trouble;
  const what = { pulls: "pulls are", everything: "what happens is", file: "what happens is in auditFile" }[missing];
  log.error(`${what} not recorded; the registry goes on`, { reason });
}
