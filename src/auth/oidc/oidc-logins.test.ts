import { beforeEach, describe, expect, test } from "bun:test";
import { ulid } from "ulid";

import type { Ulid } from "../../core/ulid.ts";
import { MemoryAccountStore } from "../../storage/memory/account-store.ts";
import { MemoryOidcUserStore } from "../../storage/memory/oidc-user-store.ts";
import type { ProviderLogin } from "./claims.ts";
import { OidcLogins } from "./oidc-logins.ts";

const change = { by: "00000000000000000000000000" as Ulid, at: 2 };

let accounts: MemoryAccountStore;
let taken: string[];
let groups: Map<string, readonly string[]>;
let logins: OidcLogins;
let changes: number;
let onReplace: () => void;

beforeEach(() => {
  accounts = new MemoryAccountStore();
  taken = [];
  changes = 0;
  onReplace = () => {};
  groups = new Map();
  logins = new OidcLogins({
    users: new MemoryOidcUserStore(accounts),
    changesOf: () => changes,
    isTaken: async (name) => taken.includes(name),
    replaceGroups: async (id, source, names) => {
      groups.set(`${source} ${id}`, names);
      onReplace();
    },
    clock: { now: () => 1 },
    ulids: { next: () => ulid() as Ulid },
  });
});

function login(more: Partial<ProviderLogin> = {}): ProviderLogin {
  return { issuer: "https://login.test", subject: "1", name: "ann", groups: ["dev"], ...more };
}

/** Why it failed; fails itself where it did not. */
async function reasonOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    return String(error);
  }
  throw new Error("it did not fail");
}

describe("a login at the provider", () => {
  test("is of the same principal each time, never of an admin, under the name of the first", async () => {
    const first = await logins.receive(login());

    expect(first).toMatchObject({ name: "ann", isAdmin: false, kind: "user", source: "oidc" });
    expect(await logins.receive(login({ name: "CORP\\ann" }))).toEqual(first);
    expect(await accounts.findPrincipal(first.id, 1)).toEqual(first);
  });

  test("REV-03: replaces the groups, and does not add to them", async () => {
    const { id } = await logins.receive(login({ groups: ["dev", "ops"] }));
    expect(groups.get(`oidc ${id}`)).toEqual(["dev", "ops"]);

    await logins.receive(login({ groups: ["qa"] }));
    expect(groups.get(`oidc ${id}`)).toEqual(["qa"]);

    await logins.receive(login({ groups: [] }));
    expect(groups.get(`oidc ${id}`)).toEqual([]);
  });

  test("REV-04: of somebody who was removed is refused, and changes nothing", async () => {
    const { id } = await logins.receive(login());
    await accounts.removeExternalPrincipal("oidc", "ann", change);

    const again = logins.receive(login({ groups: ["dev", "ops"] }));

    expect(await reasonOf(again)).toContain("an admin of this registry has removed ann");
    expect(await accounts.findPrincipal(id, 3)).toBeUndefined();
    expect(groups.get(`oidc ${id}`)).toEqual(["dev"]);
  });

  test("REV-04: is refused when somebody is removed while it is under way", async () => {
    onReplace = () => {
      changes += 1;
    };

    expect(await reasonOf(logins.receive(login()))).toContain("changed during the login");
  });

  test("under somebody else's name is refused, whoever has it, and makes nobody", async () => {
    await logins.receive(login());
    expect(await reasonOf(logins.receive(login({ subject: "2" })))).toStartWith(
      "LoginRefusedError: somebody else is ann",
    );
    expect(await reasonOf(logins.receive(login({ issuer: "https://other.test" })))).toContain("somebody else is ann");

    for (const name of ["everyone", "anonymous"])
      expect(await reasonOf(logins.receive(login({ subject: "4", name })))).toContain(`somebody else is ${name}`);

    taken.push("bob");
    expect(await reasonOf(logins.receive(login({ subject: "3", name: "bob" })))).toContain("somebody else is bob");
    expect(await accounts.findExternalPrincipal("oidc", "bob")).toBeUndefined();
  });

  test("is refused from when on somebody who does not come by the provider has the name", async () => {
    await logins.receive(login());
    taken.push("ann");

    expect(await reasonOf(logins.receive(login()))).toContain("somebody else is ann");
  });

  test.each(["", "CORP\\ann", "ann:b", "ann b", "-ann", "ann\n", "änn", "a".repeat(65), "everyone?"])(
    "under %p, which is no user name, is refused",
    async (name) => {
      expect(await reasonOf(logins.receive(login({ name })))).toContain("is no user name");
    },
  );
});
