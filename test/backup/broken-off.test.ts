import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { RegistryProcess } from "../durability/registry-process.ts";
import { freePort } from "../load/peers.ts";
import { Stage } from "./stage.ts";

setDefaultTimeout(240_000);

const kills = Number(process.env["DOZO_TEST_BACKUP_KILLS"] ?? 12);

let stage: Stage;

// A first backup, and then more in the registry than it has.
beforeAll(async () => {
  stage = new Stage();
  await stage.start();
  await stage.pushImages(4);
  await stage.makeBackup();
  cpSync(stage.backup, join(stage.folder, "former"), { recursive: true });
  await stage.pushImages(12);
  await stage.stop();
});
afterAll(() => stage.end());

function putFormerBack(): void {
  rmSync(stage.backup, { recursive: true });
  cpSync(join(stage.folder, "former"), stage.backup, { recursive: true });
}

function catalogueText(): string {
  return readFileSync(join(stage.backup, "backup.json"), "utf8");
}

async function expectWhole(): Promise<void> {
  const { out, err } = await stage.verifyBackup();
  expect(err).toBe("");
  expect(JSON.parse(out)).toMatchObject({ isWhole: true, damages: [] });
}

async function expectComplete(name: string): Promise<void> {
  const restored = await stage.restore(name);
  expect([restored.err, restored.code]).toEqual(["", 0]);
  const registry = await RegistryProcess.start(join(stage.folder, name), await freePort());
  expect(await stage.acknowledged.verify(registry.endpoint)).toEqual([]);
  await registry.stop();
}

test(`${kills} backups that are killed leave the former one whole, and the next one goes on`, async () => {
  putFormerBack();
  const former = catalogueText();
  const beganAt = performance.now();
  await stage.makeBackup();
  const durationMs = performance.now() - beganAt;
  putFormerBack();
  let killed = 0;

  for (let kill = 0; kill < kills; kill += 1) {
    const wasKilled = await stage.killBackupAfter((durationMs * (kill + 0.5)) / kills);
    if (wasKilled) killed += 1;
    await expectWhole();
    if (wasKilled && kill % 4 === 0 && kill < kills / 2) expect(catalogueText()).toBe(former);
  }

  expect(killed).toBeGreaterThan(kills / 3);
  expect((await stage.makeBackup()).code).toBe(0);
  await expectWhole();
  await expectComplete("after-kills");
});

// The calls by which things become what they are: the exact moments before each of them.
test.each(["rename", "fsync", "unlink"])(
  "killed at a call of %s it leaves the former one, or the new one, whole",
  async (name) => {
    for (const when of [1, 2, 9]) {
      putFormerBack();
      const inject = `inject=/^${name}:signal=SIGKILL:when=${when}`;
      const { code } = await stage.makeBackupUnder([
        "strace",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        `trace=/^${name}`,
        "-e",
        inject,
      ]);
      if (when === 1) expect(code).not.toBe(0);
      await expectWhole();
    }
  },
);

test("a target without room leaves the former one whole, and tells what to do", async () => {
  const small = join(stage.folder, "small");
  const inNamespace = async (options: string, then: string): Promise<string> => {
    const script = `mkdir -p ${small} && mount -t tmpfs -o ${options} none ${small} && cp -a ${stage.folder}/former/. ${small} && ${then}`;
    const { out, err } = await stage.runAlone(["unshare", "-m", "sh", "-c", script]);
    return out + err;
  };
  const dozo = join(import.meta.dir, "../../dozo");
  const keys = `--keys-passphrase-file ${stage.passphraseFile}`;
  const backup = `${dozo} backup ${small} --data ${stage.data} ${keys}`;
  const verify = `${dozo} backup verify ${small}; ls ${small}/snapshots | wc -l`;
  const formerBytes = Number((await stage.runAlone(["du", "-sb", join(stage.folder, "former")])).out.split("\t")[0]);

  // Told beforehand that the blobs do not fit; and found out in the middle, where there is room but no file more can be made.
  for (const options of [`size=${formerBytes + 3_000_000}`, "size=1g,nr_inodes=60"]) {
    const said = await inNamespace(
      options,
      `${backup}; echo "exit $?"; ${verify}; mount -o remount,size=1g,nr_inodes=0 ${small}; ${backup}`,
    );

    expect(said).toContain("there is no room in");
    expect(said).toContain("the former backup is whole");
    expect(said).toMatch(/exit 1\nbackup of \S+: whole;[^\n]*\n1\n/);
    // And goes on when there is room.
    expect(said).toMatch(/\nbackup of \S+ in \S+small\n/);
  }
});
