import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeSync,
} from "node:fs";
import { ExplainedError } from "./explained-error.ts";

/** Numbers of statfs(2) for file systems that the database or its promises do not fit. */
const fileSystems: ReadonlyMap<number, { readonly name: string; readonly warning: string }> = new Map([
  ...(
    [
      [0x6969, "NFS"],
      [0x517b, "SMB"],
      [0xfe534d42, "SMB"],
      [0xff534d42, "CIFS"],
      [0x01021997, "9p"],
      [0x00c36400, "Ceph"],
      [0x5346414f, "AFS"],
    ] as const
  ).map(
    ([type, name]) =>
      [type, { name, warning: "its locks and syncs are the other machine's: use a local disk (--data)" }] as const,
  ),
  [0x01021994, { name: "tmpfs", warning: "everything is lost when the machine stops: use a disk (--data)" }],
  [0x794c7630, { name: "overlay", warning: "everything is lost with the container: mount a volume there" }],
]);

/**
 * FS-05: tries in the folder what the registry relies on (create, sync, rename, link, names that differ in case, sync
 * of the folder). Throws an `ExplainedError` where that fails; answers warnings.
 */
export function checkFolder(folder: string): readonly string[] {
  const first = `${folder}/.check-a`;
  const second = `${folder}/.check-b`;
  const upper = `${folder}/.check-B`;
  const names = [first, second, upper];
  try {
    for (const name of names) rmSync(name, { force: true });
    writeSynced(first, "dozo");
    renameSync(first, second);
    syncFolder(folder);
    if (readFileSync(second, "utf8") !== "dozo") throw new Error("what was written was not read back");
    const caseFolds = existsSync(upper);
    linkSync(second, first);
    return [...(caseFolds ? [`${folder} does not tell upper from lower case in names`] : []), ...kindWarnings(folder)];
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
    throw new ExplainedError(
      `the data folder ${folder} cannot do what a registry needs of it (${reason})`,
      reason === "ENOSPC" ? "make room on the disk" : "choose a folder on a local disk with --data",
      error,
    );
  } finally {
    for (const name of names) rmSync(name, { force: true });
  }
}

/** Makes the names in a folder survive a power cut. */
function syncFolder(folder: string): void {
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Replaces a file of the data folder as a whole (0600): after a crash it is the old one or the new one. */
export function replaceFile(path: string, text: string): void {
  const fresh = `${path}.new`;
  rmSync(fresh, { force: true });
  writeSynced(fresh, text);
  renameSync(fresh, path);
  syncFolder(path.slice(0, path.lastIndexOf("/")));
}

function writeSynced(path: string, text: string): void {
  const descriptor = openSync(path, "wx", 0o600);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function kindWarnings(folder: string): readonly string[] {
  const kind = fileSystems.get(statfsSync(folder).type);
  return kind === undefined ? [] : [`${folder} is on ${kind.name}: ${kind.warning}`];
}
