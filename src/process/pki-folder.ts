import { constants } from "node:fs";
import { chmod, mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";

/** A private key's file that others on this machine could read; the message has the command that mends it. */
export class KeyReadableByOthersError extends Error {
  constructor(file: string, mode: number) {
    const quoted = `'${file.replaceAll("'", String.raw`'\''`)}'`;
    const shown = mode.toString(8).padStart(4, "0");
    super(`${file} is a private key and others may read it (mode ${shown}). Mend it with: chmod 600 ${quoted}`);
    this.name = "KeyReadableByOthersError";
  }
}

/** The folder of the certificates and keys, 0700, its files 0600. Satisfies the port `PkiFiles` of `pki`. */
export class PkiFolder {
  readonly location: string;

  constructor(folder: string) {
    this.location = folder;
  }

  /** `undefined` where there is none. Follows no link. Throws `KeyReadableByOthersError` for a `.key` with a wider mode than 0600. */
  async read(name: string): Promise<string | undefined> {
    const path = join(this.location, name);
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(absent);
    if (file === undefined) return undefined;
    try {
      const stat = await file.stat();
      if (!stat.isFile()) throw new Error(`${path} is not a regular file`);
      const mode = stat.mode & 0o777;
      if (name.endsWith(".key") && (mode & 0o077) !== 0) throw new KeyReadableByOthersError(path, mode);
      return await file.readFile("utf8");
    } finally {
      await file.close();
    }
  }

  /** Under another name first, synced, then renamed: whoever is killed in between leaves the old file or none. */
  async write(name: string, text: string): Promise<void> {
    await mkdir(this.location, { recursive: true, mode: 0o700 });
    await chmod(this.location, 0o700);
    // Always the same name: what a killed process left is overwritten. The data folder has one owner at a time.
    const temporary = join(this.location, `.${name}.new`);
    const file = await open(temporary, "w", 0o600);
    try {
      await file.chmod(0o600);
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, join(this.location, name));
    await this.#sync();
  }

  /** One that is not there is no error. */
  async remove(name: string): Promise<void> {
    await rm(join(this.location, name), { force: true });
    await this.#sync();
  }

  async #sync(): Promise<void> {
    const folder = await open(this.location, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}

function absent(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
  throw error;
}
