import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeAccessKeyStore } from "../../core/access-key-store.contract.ts";
import { describeAccessRuleStore } from "../../core/access-rule-store.contract.ts";
import { describeAccountStore } from "../../core/account-store.contract.ts";
import { describeClientCertificateStore } from "../../core/client-certificate-store.contract.ts";
import { describeCollectionStore } from "../../core/collection-store.contract.ts";
import { describeGroupStore } from "../../core/group-store.contract.ts";
import { describeMetadataStore } from "../../core/metadata-store.contract.ts";
import type { Change } from "../../core/metadata-store.ts";
import { describeOidcUserStore } from "../../core/oidc-user-store.contract.ts";
import type { PrincipalId } from "../../core/principal.ts";
import { describeRefreshTokenStore } from "../../core/refresh-token-store.contract.ts";
import { describeVerificationStore } from "../../core/verification-store.contract.ts";
import { parseRepositoryPattern } from "../../core/repository-pattern.ts";
import { openWriter } from "./database.ts";
import { migrate } from "./migrations/migrate.ts";
import { openSqlite, type Sqlite } from "./open.ts";

const folder = mkdtempSync(join(tmpdir(), "dozo-sqlite-"));
const open: Sqlite[] = [];
let lastFile = 0;

afterEach(async () => {
  for (const sqlite of open.splice(0)) await sqlite.close();
});

afterAll(() => rmSync(folder, { recursive: true }));

function freshFile(): string {
  return join(folder, `${(lastFile += 1)}.db`);
}

async function openFile(file: string): Promise<Sqlite> {
  const sqlite = await openSqlite({ file, programVersion: "1.2.3", onFault: () => {} });
  open.push(sqlite);
  return sqlite;
}

function openFresh(): Promise<Sqlite> {
  return openFile(freshFile());
}

const change: Change = { by: "01ARZ3NDEKTSV4RRFFQ69G5FAV" as PrincipalId, at: 100 };

function user(number: number): Parameters<Sqlite["accounts"]["createUser"]>[0] {
  const id = `01ARZ3NDEKTSV4RRFF${String(number).padStart(8, "0")}` as PrincipalId;
  return { id, name: `user ${number}`, isAdmin: false, passwordHash: "$argon2id$" };
}

describe("SqliteMetadataStore", () => {
  describeMetadataStore(async () => (await openFresh()).metadata);
});

describe("SqliteCollectionStore", () => {
  describeCollectionStore(openFresh);
});

describe("SqliteVerificationStore", () => {
  describeVerificationStore(openFresh);
});

describe("SqliteAccountStore", () => {
  describeAccountStore(async () => (await openFresh()).accounts);
});

describe("SqliteGroupStore", () => {
  describeGroupStore(openFresh);
});

describe("SqliteAccessKeyStore", () => {
  describeAccessKeyStore(async (principal) => {
    const { accounts, keys } = await openFresh();
    await accounts.createUser({ ...user(1), ...principal }, change);
    return { keys, removePrincipal: async () => void (await accounts.removeUser(principal.name, change)) };
  });
});

describe("REV-05: a robot's access key", () => {
  const robot = { id: user(2).id, name: "ci", owner: { id: user(1).id, name: user(1).name, isAdmin: false } };
  const key = { id: user(3).id, digest: "d", principalId: robot.id, limits: undefined, expiresAt: undefined };

  test("comes with the robot's end and its owner", async () => {
    const { accounts, keys } = await openFresh();
    await accounts.createUser(user(1), change);
    await accounts.createRobot({ ...robot, expiresAt: 500 }, change);
    await keys.addKey(key, change);

    const owner = expect.objectContaining({ id: robot.owner.id, isAdmin: false }) as unknown;
    expect(await keys.listKeys()).toEqual([
      expect.objectContaining({
        principal: { id: robot.id, name: "ci", isAdmin: false, kind: "robot", source: "dozo", owner },
        principalExpiresAt: 500,
      }),
    ]);
  });

  test("is gone with the robot, and with its owner", async () => {
    for (const gone of ["ci", user(1).name]) {
      const { accounts, keys } = await openFresh();
      await accounts.createUser(user(1), change);
      await accounts.createRobot({ ...robot, expiresAt: undefined }, change);
      await keys.addKey(key, change);

      if (gone === "ci") await accounts.removeRobot(gone, change);
      else await accounts.removeUser(gone, change);

      expect(await keys.listKeys()).toEqual([]);
    }
  });
});

describe("SqliteAccessRuleStore", () => {
  describeAccessRuleStore(async (principal) => {
    const { accounts, rules } = await openFresh();
    await accounts.createUser({ ...user(1), ...principal }, change);
    return rules;
  });

  test("does not list the rules about a user who was removed, nor about the next one of that name", async () => {
    const { accounts, rules } = await openFresh();
    await accounts.createUser(user(1), change);
    const { id, name } = user(1);
    const subject = { kind: "principal", id, name } as const;
    const repositories = parseRepositoryPattern("**");
    await rules.addRule({ id: user(9).id, effect: "allow", subject, repositories, actions: ["delete"] }, change);
    expect(await rules.listRules()).toHaveLength(2);

    await accounts.removeUser(name, change);
    await accounts.createUser({ ...user(2), name }, change);

    expect(await rules.listRules()).toHaveLength(1);
  });
});

describe("AUTHZ-03: a stored rule that cannot be read", () => {
  test.each([
    ["team/**/[a-z]", '["push"]'],
    ["", '["push"]'],
    ["team/**", '["everything"]'],
    ["team/**", "push"],
  ])("of %p and %p is not passed over: nothing starts with it", async (repositories, actions) => {
    const file = freshFile();
    await (await openFile(file)).close();
    const db = openWriter(file);
    db.query(
      `INSERT INTO access_rules (id, effect, subject_kind, repositories, actions, created_by, created_at)
       VALUES ('R', 'deny', 'everyone', ?1, ?2, 'A', 8)`,
    ).run(repositories, actions);
    db.close();

    const { rules } = await openFile(file);

    expect(await rules.listRules().catch(() => "refused")).toBe("refused");
  });
});

describe("SqliteOidcUserStore", () => {
  describeOidcUserStore(openFresh);
});

describe("SqliteClientCertificateStore", () => {
  describeClientCertificateStore(async () => (await openFresh()).certificates);
});

describe("SqliteRefreshTokenStore", () => {
  describeRefreshTokenStore(async () => (await openFresh()).refreshTokens);
});

describe("openSqlite", () => {
  test("finds everything again that was there at the close", async () => {
    const file = freshFile();
    const sqlite = await openFile(file);
    await sqlite.accounts.createUser(user(1), change);
    await sqlite.close();

    const again = await openFile(file);

    expect(await again.accounts.listUsers()).toMatchObject([user(1)]);
  });

  test("the close lets what was asked before it finish", async () => {
    const file = freshFile();
    const sqlite = await openFile(file);
    const create = (first: number): readonly Promise<void>[] =>
      Array.from({ length: 100 }, (_, number) => sqlite.accounts.createUser(user(first + number), change));
    const created = [...create(0)];
    // The writer is at work on those when the others and the close come in.
    await new Promise(setImmediate);
    created.push(...create(100));
    const closed = sqlite.close();

    await Promise.all(created);
    await closed;

    expect(await (await openFile(file)).accounts.listUsers()).toHaveLength(200);
  });

  test("both ports refuse to work when it is closed, and a second close is none", async () => {
    const sqlite = await openFresh();
    await sqlite.metadata.close();
    await sqlite.close();

    const refused = await Promise.allSettled([sqlite.metadata.totals(), sqlite.accounts.removeUser("a", change)]);

    expect(refused).toMatchObject([{ reason: { code: "UNAVAILABLE" } }, { reason: { code: "UNAVAILABLE" } }]);
  });

  test("a folder that a newer dozo wrote is refused", async () => {
    const file = freshFile();
    const db = openWriter(file);
    migrate(
      db,
      [
        {
          number: 77,
          sql: "CREATE TABLE meta (id INTEGER, format INTEGER, program_version TEXT); INSERT INTO meta VALUES (1, 0, '')",
        },
      ],
      "9.8.7",
    );
    db.close();

    const refusal = await openFile(file).catch(String);

    expect(refusal).toContain("format 77, written by dozo 9.8.7; this is dozo 1.2.3");
  });
});
