import { beforeEach, describe, expect, test } from "bun:test";
import { describeAccessKeyStore } from "../core/access-key-store.contract.ts";
import type { AccessKeyRecord, AccessKeyUse } from "../core/access-key-store.ts";
import {
  type AccessKeyId,
  accessKeySecretBytes,
  digestAccessKey,
  readAccessKey,
  writeAccessKey,
} from "../core/access-key.ts";
import type { Principal, PrincipalId } from "../core/principal.ts";
import { parseRepositoryPattern } from "../core/repository-pattern.ts";
import { MemoryAccessKeyStore } from "../storage/memory/access-key-store.ts";
import { AccessKeys, type AccessKeyVerdict } from "./access-keys.ts";

const dayMs = 86_400_000;
const minuteMs = 60_000;
const id = "01BX5ZZKBKACTAV9WEVGEMMVRZ" as AccessKeyId;
const text = writeAccessKey(id, Buffer.alloc(accessKeySecretBytes, 7));
const bob: Principal = {
  id: "01ARZ3NDEKTSV4RRFFQ69G5FAB" as PrincipalId,
  name: "bob",
  isAdmin: false,
  kind: "user",
  source: "dozo",
};

/** A store that remembers what was written into it, and breaks when it is told to. */
class WatchedStore extends MemoryAccessKeyStore {
  readonly written: (readonly AccessKeyUse[])[] = [];
  isBroken = false;

  override async listKeys(): Promise<readonly AccessKeyRecord[]> {
    if (this.isBroken) throw new Error("the database is gone");
    return super.listKeys();
  }

  override async noteUses(uses: readonly AccessKeyUse[]): Promise<void> {
    if (this.isBroken) throw new Error("the disk is full");
    this.written.push(uses);
    await super.noteUses(uses);
  }
}

let now: number;
let holders: Map<PrincipalId, Pick<AccessKeyRecord, "principal" | "principalExpiresAt">>;
let store: WatchedStore;
let keys: AccessKeys;

beforeEach(async () => {
  now = Date.UTC(2026, 10, 24, 12, 30, 15);
  holders = new Map([[bob.id, { principal: bob, principalExpiresAt: undefined }]]);
  store = new WatchedStore((principal) => holders.get(principal));
  keys = await AccessKeys.open(store, { now: () => now });
});

async function add(of: string = text, more: Partial<AccessKeyRecord> = {}): Promise<void> {
  const digest = Buffer.from(digestAccessKey(of)).toString("hex");
  const key = { id, digest, principalId: bob.id, limits: undefined, expiresAt: undefined, ...more };
  await keys.addKey(key, { by: bob.id, at: now });
}

function judge(given: string, userName: string | undefined = "bob"): AccessKeyVerdict {
  const reading = readAccessKey(given);
  if (reading.kind === "none") throw new Error(`${given} is no access key`);
  return keys.judge(reading, userName);
}

function refusal(given: string = text, userName?: string): string {
  const verdict = judge(given, userName);
  return verdict.kind === "refused" ? `${verdict.reason} (${verdict.isTold ? "told" : "not told"})` : "let in";
}

describe("AccessKeys", () => {
  describeAccessKeyStore(async (user) => {
    const principals = new Map([[user.id, { ...bob, ...user }]]);
    const ofOne = new MemoryAccessKeyStore((principalId) => {
      const principal = principals.get(principalId);
      return principal === undefined ? undefined : { principal, principalExpiresAt: undefined };
    });
    const opened = await AccessKeys.open(ofOne, { now: () => now });
    const removePrincipal = async (): Promise<void> => {
      principals.delete(user.id);
      await opened.refresh();
    };
    return { keys: opened, removePrincipal };
  });
});

describe("an access key", () => {
  test("stands for its principal, at once, with the user's name and as a token without one", async () => {
    await add();
    const caller = { principal: bob, credential: { kind: "key", id } } as const;

    expect(judge(text)).toEqual({ kind: "caller", caller });
    expect(keys.judge(readAccessKey(text) as Parameters<AccessKeys["judge"]>[0], undefined)).toEqual({
      kind: "caller",
      caller,
    });
  });

  test("brings its limits along", async () => {
    const limits = {
      grants: [{ repositories: parseRepositoryPattern("team/*"), actions: ["pull"] }],
      catalog: "granted",
    } as const;
    await add(text, { limits });

    expect(judge(text)).toEqual({
      kind: "caller",
      caller: { principal: bob, credential: { kind: "key", id, limits } },
    });
  });

  test("of another secret, or that nobody made, is refused in the same words", async () => {
    const other = writeAccessKey(id, Buffer.alloc(accessKeySecretBytes, 8));
    const unknown = refusal(other);
    await add();

    expect(refusal(other)).toBe(unknown);
    expect(unknown).toContain("(not told)");
    expect(unknown).not.toContain(other);
  });

  test("that is damaged says so, whether there is such a key or not", async () => {
    const unknown = refusal(`${text.slice(0, -1)}@`);
    await add();

    expect(refusal(`${text.slice(0, -1)}@`)).toBe(unknown);
    expect(refusal(text.slice(0, 50))).toBe(unknown);
    expect(unknown).toContain("its checksum is wrong (told)");
  });

  test.each(["alice", "", "BOB", "bob "])("with the user name %p is refused", async (name) => {
    await add();

    expect(refusal(text, name)).toBe(`the access key ${id} is not for the user that was named with it (told)`);
  });

  test("REV-01: that was revoked is refused from then on", async () => {
    await add();
    expect(refusal()).toBe("let in");

    await keys.removeKeys([id], { by: bob.id, at: now });

    expect(refusal()).toContain("it was revoked");
  });

  test("that has ended is refused from that millisecond on", async () => {
    await add(text, { expiresAt: now + dayMs });
    now += dayMs - 1;
    expect(refusal()).toBe("let in");
    now += 1;

    expect(refusal()).toBe(`the access key ${id} has ended: make another (told)`);
  });

  test("of a robot that has ended is refused", async () => {
    holders.set(bob.id, { principal: bob, principalExpiresAt: now + dayMs });
    await add();
    now += dayMs;

    expect(refusal()).toBe(`whom the access key ${id} is for has ended (told)`);
  });

  test("REV-04: of who was removed is refused, and stays so for the next one of the name", async () => {
    await add();
    holders.delete(bob.id);
    await keys.refresh();
    expect(refusal()).toContain("there is no access key");

    const again = { ...bob, id: "01ARZ3NDEKTSV4RRFFQ69G5FAC" as PrincipalId };
    holders.set(again.id, { principal: again, principalExpiresAt: undefined });
    await keys.refresh();

    expect(refusal()).toContain("there is no access key");
  });

  test("is its principal as that is now", async () => {
    await add();
    holders.set(bob.id, { principal: { ...bob, isAdmin: true }, principalExpiresAt: undefined });
    await keys.refresh();

    expect(judge(text)).toMatchObject({ kind: "caller", caller: { principal: { isAdmin: true } } });
  });

  test("holds no more where it cannot be known which keys hold, until it is known again", async () => {
    await add();
    store.isBroken = true;
    const failure = await keys.refresh().catch(String);
    expect(failure).toContain("the database is gone");
    expect(refusal()).toContain("there is no access key");

    store.isBroken = false;
    await keys.refresh();

    expect(refusal()).toBe("let in");
  });
});

describe("when an access key was used", () => {
  test("is known to the minute, and written once for all that came in", async () => {
    await add();
    for (let count = 0; count < 1000; count++) judge(text);
    now += 10_000;
    judge(text);
    await keys.writeUses();
    await keys.writeUses();

    const minute = Date.UTC(2026, 10, 24, 12, 30);
    expect(store.written).toEqual([[{ id, at: minute }]]);
    expect((await keys.listKeys())[0]?.lastUsedAt).toBe(minute);
  });

  test("is listed before it is written, and survives a reading of all keys", async () => {
    await add();
    judge(text);
    await keys.refresh();

    expect((await keys.listKeys())[0]?.lastUsedAt).toBe(Date.UTC(2026, 10, 24, 12, 30));
    judge(text);
    await keys.writeUses();
    expect(store.written).toHaveLength(1);
  });

  test("does not go back with a clock, nor count for a request that was refused", async () => {
    await add();
    refusal(text, "alice");
    expect((await keys.listKeys())[0]?.lastUsedAt).toBeUndefined();
    judge(text);
    now -= dayMs;
    judge(text);

    expect((await keys.listKeys())[0]?.lastUsedAt).toBe(Date.UTC(2026, 10, 24, 12, 30));
  });

  test("is written later where the disk is full, with the newest time, and nobody waits for it", async () => {
    await add();
    judge(text);
    store.isBroken = true;
    expect(await keys.writeUses().catch(String)).toContain("the disk is full");
    now += 5 * minuteMs;
    expect(refusal()).toBe("let in");
    store.isBroken = false;
    await keys.writeUses();

    expect(store.written).toEqual([[{ id, at: Date.UTC(2026, 10, 24, 12, 35) }]]);
  });
});

test("AUTH-05: access keys are compared by digests of the same length, in constant time, or looked up by what is no secret", async () => {
  const source = await Bun.file(new URL("access-keys.ts", import.meta.url)).text();

  expect(source).toContain("timingSafeEqual(reading.digest, held?.digest ?? noDigest)");
  expect(source.match(/digest\s*[!=]==?|[!=]==?\s*\w*\.?digest/g)).toBeNull();
});
