import { openReader } from "./database.ts";
import { reads } from "./operations.ts";
import { runCall } from "./run.ts";
import { serveDatabase } from "./worker.ts";

serveDatabase({
  open: openReader,
  run: (db, calls) => calls.map((call) => runCall(db, reads, call)),
});
