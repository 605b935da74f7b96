import { auditFacts, lastPulls, listEvents, readNote, writeEvents, writeNote } from "./events.ts";
import { prune } from "./prune.ts";

/** What the thread of the record does, reading too: nobody who is served waits for it. */
export const auditOperations = { writeEvents, listEvents, lastPulls, auditFacts, prune, readNote, writeNote };
