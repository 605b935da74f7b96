import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmod, mkdtemp, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { KeyReadableByOthersError, PkiFolder } from "./pki-folder.ts";

let parent: string;
let files: PkiFolder;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "dozo-pki-folder-"));
  files = new PkiFolder(join(parent, "pki"));
});

afterEach(async () => {
  await rm(parent, { recursive: true });
});

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777;
}

describe("the folder of certificates and keys", () => {
  test("answers what was written last, and nothing where nothing was", async () => {
    await files.write("ca.key", "one");
    await files.write("ca.key", "two");

    expect(await files.read("ca.key")).toBe("two");
    expect(await files.read("server.key")).toBeUndefined();
    expect(await readdir(files.location)).toEqual(["ca.key"]);
  });

  test("FS-01: is readable by its owner alone, and its files are, whatever the umask", async () => {
    const before = process.umask(0);

    await files.write("ca.key", "secret");
    process.umask(before);

    expect(await modeOf(files.location)).toBe(0o700);
    expect(await modeOf(join(files.location, "ca.key"))).toBe(0o600);
  });

  test.each([0o640, 0o604, 0o644, 0o660])(
    "FS-01: refuses a private key of mode %o with the command that mends it",
    async (mode) => {
      await files.write("ca.key", "secret");
      await chmod(join(files.location, "ca.key"), mode);

      const error = await files.read("ca.key").catch((reason: unknown) => reason);

      expect(error).toBeInstanceOf(KeyReadableByOthersError);
      expect(error).toHaveProperty("message", expect.stringContaining(`chmod 600 '${join(files.location, "ca.key")}'`));
    },
  );

  test("FS-02: follows no link and waits for no pipe in the place of a key", async () => {
    await files.write("server.key", "elsewhere");
    await symlink(join(files.location, "server.key"), join(files.location, "ca.key"));
    Bun.spawnSync(["mkfifo", "-m", "600", join(files.location, "root.crt")]);

    expect(await files.read("ca.key").catch((reason: unknown) => reason)).toMatchObject({ code: "ELOOP" });
    expect(String(await files.read("root.crt").catch((reason: unknown) => reason))).toContain("is not a regular file");
  });

  test("takes a certificate that others may read", async () => {
    await files.write("root.crt", "certificate");
    await chmod(join(files.location, "root.crt"), 0o644);

    expect(await files.read("root.crt")).toBe("certificate");
  });

  test("writes over what a killed write left behind", async () => {
    await files.write("ca.key", "old");
    await writeFile(join(files.location, ".ca.key.new"), "half a k", { mode: 0o666 });

    expect(await files.read("ca.key")).toBe("old");
    await files.write("ca.key", "new");

    expect(await files.read("ca.key")).toBe("new");
    expect(await modeOf(join(files.location, "ca.key"))).toBe(0o600);
    expect(await readdir(files.location)).toEqual(["ca.key"]);
  });
});
