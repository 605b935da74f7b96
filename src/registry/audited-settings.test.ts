import { beforeEach, expect, test } from "bun:test";
import { MemoryAuditStore } from "../storage/memory/audit-store.ts";
import { recordSettings } from "./audited-settings.ts";
import type { AdministrativeChange } from "./audit-trail.ts";

let store: MemoryAuditStore;
let changes: AdministrativeChange[];

beforeEach(() => {
  store = new MemoryAuditStore();
  changes = [];
});

function start(settings: object): Promise<void> {
  const trail = { change: async (_: unknown, change: AdministrativeChange) => void changes.push(change) };
  return recordSettings(settings, { store, trail });
}

test("of the first start, and of one with the same settings, nothing is recorded", async () => {
  await start({ listen: ["a"], limits: { blobBytes: 1 } });
  await start({ listen: ["a"], limits: { blobBytes: 1 } });

  expect(changes).toEqual([]);
});

test("settings that changed are recorded with what they were", async () => {
  await start({ listen: ["a"], limits: { blobBytes: 1 }, htpasswd: "/file" });
  await start({ listen: ["a", "b"], limits: { blobBytes: 2 }, user: "admin" });

  const reason =
    'listen: ["a"] to ["a","b"]; limits.blobBytes: 1 to 2; htpasswd: "/file" to none; user: none to "admin"';
  expect(changes).toEqual([{ action: "change settings", object: undefined, reason }]);
});

test("LOG-02: a secret among the settings is written nowhere", async () => {
  await start({ ldap: { bindPassword: "canary-1" }, oidc: { clientSecret: "canary-2", clientSecretFile: "/file" } });
  await start({ ldap: { bindPassword: "canary-3" }, oidc: { clientSecret: "canary-4", clientSecretFile: "/other" } });

  expect(JSON.stringify([changes, await store.readNote("settings")])).not.toContain("canary");
  expect(changes).toMatchObject([{ reason: 'oidc.clientSecretFile: "/file" to "/other"' }]);
});
