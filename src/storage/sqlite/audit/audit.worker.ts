import { GroupWriter } from "../run.ts";
import { serveDatabase } from "../worker.ts";
import { openAuditConnection } from "./format.ts";
import { auditOperations } from "./operations.ts";

let writer: GroupWriter | undefined;

serveDatabase({
  open: openAuditConnection,
  run: (db, calls) => (writer ??= new GroupWriter(db, auditOperations)).run(calls),
  brokenBy: () => writer?.brokenBy,
});
