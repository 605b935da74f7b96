import { createHash } from "node:crypto";
import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Layout } from "../storage/filesystem/layout.ts";
import { ExplainedError } from "../process/explained-error.ts";
import { replaceFile } from "../process/folder-check.ts";

/*
 * <backup>/
 *   backup.json            the catalogue: the one backup that counts; replaced last, as a whole
 *   backup.lock            held by the one process that writes here
 *   snapshots/<id>/        dozo.db, audit.db, settings.yaml, data/… (other files of the data folder), keys.sealed
 *   blobs/sha256/ab/…      as in the data folder: a generation is copied once
 *   incoming/              what is being copied
 */

/** A file of a snapshot, by its path in it. */
interface CataloguedFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** What a backup is, as its file says. */
export interface Catalogue {
  readonly format: 1;
  readonly id: string;
  /** Which registry it is of: the id of its oldest principal. */
  readonly registry: string | undefined;
  /** Everything that was acknowledged before is in it. ISO 8601. */
  readonly startedAt: string;
  readonly endedAt: string;
  readonly programVersion: string;
  readonly files: readonly CataloguedFile[];
  readonly blobs: number;
  readonly blobBytes: number;
  readonly keys: "sealed" | "left out";
  /** Digests of what was damaged or missing in the registry itself. */
  readonly damaged: readonly string[];
}

const name = "backup.json";

/** The paths of one backup folder. */
export class BackupFolder {
  readonly location: string;
  readonly layout: Layout;

  constructor(location: string) {
    this.location = location;
    this.layout = new Layout(location);
  }

  get lock(): string {
    return join(this.location, "backup.lock");
  }

  get incoming(): string {
    return join(this.location, "incoming");
  }

  get snapshots(): string {
    return join(this.location, "snapshots");
  }

  snapshot(id: string): string {
    return join(this.snapshots, id);
  }

  /** A file of a snapshot. Throws for a path that would lead out of it. */
  file({ id }: Pick<Catalogue, "id">, path: string): string {
    if (!/^[\w.-]+$/.test(id) || !path.split("/").every((part) => /^[\w-][\w.-]*$/.test(part)))
      throw damagedCatalogue(this.location);
    return join(this.snapshot(id), path);
  }

  /** Undefined where no backup has ended yet. Throws an `ExplainedError` for one that is damaged or of a newer dozo. */
  readCatalogue(): Catalogue | undefined {
    let text: string;
    try {
      text = readFileSync(join(this.location, name), "utf8");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT" || code === "ENOTDIR") return undefined;
      throw new ExplainedError(
        `the backup in ${this.location} cannot be read (${code})`,
        "run this as its owner",
        error,
      );
    }
    const { catalogue, sha256 } = parse(text) ?? {};
    if (catalogue === undefined || sha256 !== checksum(catalogue)) throw damagedCatalogue(this.location);
    if (catalogue.format !== 1)
      throw new ExplainedError(
        `the backup in ${this.location} has format ${String(catalogue.format)}`,
        `use dozo ${catalogue.programVersion} or later on it`,
      );
    return catalogue;
  }

  /** The same, where there has to be one. */
  requireCatalogue(): Catalogue {
    const catalogue = this.readCatalogue();
    if (catalogue !== undefined) return catalogue;
    const remedy = isThere(this.lock)
      ? "its first backup did not end: dozo backup FOLDER"
      : "name the folder that dozo backup wrote";
    throw new ExplainedError(`there is no backup in ${this.location}`, remedy);
  }

  /** From now on this is the backup: after a crash it is the former one or this one. */
  writeCatalogue(catalogue: Catalogue): void {
    replaceFile(
      join(this.location, name),
      `${JSON.stringify({ catalogue, sha256: checksum(catalogue) }, undefined, 2)}\n`,
    );
  }
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function parse(text: string): { catalogue?: Catalogue; sha256?: unknown } | undefined {
  try {
    return JSON.parse(text) as { catalogue?: Catalogue; sha256?: unknown };
  } catch {
    return undefined;
  }
}

function checksum(catalogue: Catalogue): string {
  return createHash("sha256").update(JSON.stringify(catalogue)).digest("hex");
}

function damagedCatalogue(location: string): ExplainedError {
  return new ExplainedError(
    `${name} in ${location} is damaged, and without it nobody knows what the backup is`,
    "use another copy of the backup; where the registry still is, remove backup.json and make the backup again",
  );
}
