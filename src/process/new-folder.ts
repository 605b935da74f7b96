import { existsSync } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { ExplainedError } from "./explained-error.ts";

/**
 * Makes a folder (0700) with files (0600), whole or not at all, once `make` has answered what belongs in it; answers its result. A
 * folder that is there already is an error, before anything is made: there may be the only copy of a key in it.
 */
export async function writeNewFolder<Result>(
  folder: string,
  make: () => Promise<{ readonly files: object; readonly result: Result }>,
): Promise<Result> {
  if (existsSync(folder)) throw new ExplainedError(`${folder} is there already`, "choose another place: --out DIR");
  const temporary = `${folder}.new-${process.pid}`;
  await mkdir(temporary, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw new ExplainedError(
      `${folder} cannot be made (${(error as NodeJS.ErrnoException).code ?? "unknown error"})`,
      "choose a place in which this user, or the owner of the data folder, may write: --out DIR",
      error,
    );
  });
  try {
    const { files, result } = await make();
    for (const [name, content] of Object.entries(files)) await writeSynced(`${temporary}/${name}`, String(content));
    await rename(temporary, folder);
    return result;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

async function writeSynced(path: string, content: string): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}
