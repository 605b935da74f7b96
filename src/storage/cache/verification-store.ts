import type { VerificationStore } from "../../core/verification-store.ts";
import type { RemovalWatch } from "./metadata-store.ts";

/** Tells the memory before a metadata store of what comes into quarantine behind it. */
export function cacheVerification(store: VerificationStore, memory: Pick<RemovalWatch, "hiding">): VerificationStore {
  return {
    listDue: (...given) => store.listDue(...given),
    listStored: (...given) => store.listStored(...given),
    listImage: (...given) => store.listImage(...given),
    checkRow: (...given) => store.checkRow(...given),
    noteGood: (...given) => store.noteGood(...given),
    quarantine: (bytes, at) => memory.hiding(bytes.digest, () => store.quarantine(bytes, at)),
    listQuarantined: (...given) => store.listQuarantined(...given),
    facts: () => store.facts(),
    noteStart: (...given) => store.noteStart(...given),
    noteStop: () => store.noteStop(),
  };
}
