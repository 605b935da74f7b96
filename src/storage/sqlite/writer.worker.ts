import { type Database, openWriter } from "./database.ts";
import { changes } from "./operations.ts";
import { GroupWriter } from "./run.ts";
import { serveDatabase } from "./worker.ts";

let writer: GroupWriter | undefined;

serveDatabase({
  open: openWriter,
  run: (db: Database, calls) => (writer ??= new GroupWriter(db, changes)).run(calls),
  brokenBy: () => writer?.brokenBy,
});
