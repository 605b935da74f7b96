import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../certificates/pebble.ts";
import { makeSandbox, type Running, type Sandbox } from "../cli/run-dozo.ts";
import { LocalPage } from "../how-to/local-page.ts";
import { company, groups, people } from "./people.ts";
import { serviceAccount, type Slapd, startSlapd } from "./slapd.ts";

// docs/how-to/ldap.md, followed to the letter: a registry as people start it, OpenLDAP, and a client.

setDefaultTimeout(120_000);

let page: LocalPage;
let slapd: Slapd;
let sandbox: Sandbox;
let running: Running;
let registry: string;

beforeAll(async () => {
  slapd = await startSlapd(company);
  sandbox = makeSandbox();
  registry = `127.0.0.1:${await freePort()}`;
  const places = [
    ["ldaps://ldap.example.com", slapd.ldapsUrl],
    ["the password", serviceAccount.password],
    ["registry.example.com:5000", registry],
  ] as const;
  page = new LocalPage("ldap.md", sandbox, new Map(places));
  copyFileSync(slapd.caFile, join(page.folder, "ldap-ca.crt"));
  for (const line of page.commands("registry", /ldap-password/)) page.run(line);
  running = page.start("--listen", registry);
  await running.untilSaid(/docker push /);
});

afterAll(async () => {
  await sandbox.dispose();
  await slapd.stop();
});

/** What a request of somebody is answered. */
async function ask(path: string, name: string, password: string, method = "GET"): Promise<number> {
  const headers = { authorization: `Basic ${btoa(`${name}:${password}`)}` };
  const tls = { rejectUnauthorized: false };
  const answer = await fetch(`https://${registry}${path}`, { method, headers, tls, proxy: false });
  return answer.status;
}

test("the page's commands do what it says, and a client logs in", async () => {
  await running.untilSaid(/users of the directory \(ldap\) may log in/);
  page.run("dozo access remove 00000000000000000000000001");
  const said = page.commands("registry", /^dozo /).map((line) => page.run(line));

  expect(said.join("")).toContain("ldap:developers may pull, push in team/**");
  expect(said.at(-1)).toMatch(/^yes: /);
  const trust = `--cert-dir ${join(sandbox.home, "certs")}`;
  page.run(
    `mkdir ${join(sandbox.home, "certs")} && cp ${join(sandbox.data, "pki/root.crt")} ${join(sandbox.home, "certs")}/ca.crt`,
  );
  for (const line of page.commands("laptop", /skopeo login/))
    expect(page.run(line.replace("login", `login ${trust} --password-stdin`), "canary-alice")).toContain(
      "Login Succeeded",
    );
});

test("rules about groups hold for members, and for nobody else", async () => {
  const upload = "/v2/team/app/blobs/uploads/";

  expect(await ask(upload, "alice", "canary-alice", "POST")).toBe(202);
  expect(await ask(upload, "ALICE", "canary-alice", "POST")).toBe(202);
  expect(await ask(upload, "bob", "canary-bob", "POST")).toBe(403);
  expect(await ask("/v2/team/app/tags/list", "bob", "canary-bob")).toBe(404);
  expect(await ask("/v2/team/app/tags/list", "eve", "canary-eve")).toBe(403);
  expect(await ask("/v2/", "eve", "canary-bob")).toBe(401);
});

test("REV-03: a change in the directory counts at the next login that is not remembered, for the remembered ones too", async () => {
  slapd.change(`dn: cn=Developers,${groups}
changetype: modify
delete: member
member: uid=Alice,${people}
-
add: member
member: uid=eve,${people}

dn: uid=bob,${people}
changetype: delete
`);

  // In another case, so that this one is not remembered.
  expect(await ask("/v2/", "aLICE", "canary-alice")).toBe(200);
  expect(await ask("/v2/team/app/blobs/uploads/", "alice", "canary-alice", "POST")).toBe(403);
  expect(await ask("/v2/team/app/blobs/uploads/", "EVE", "canary-eve", "POST")).toBe(202);
  expect(await ask("/v2/", "BOB", "canary-bob")).toBe(401);
});

test("without the directory its users are answered 503, others come in, and doctor and the log say why", async () => {
  const admin = readFileSync(join(sandbox.data, "first-password"), "utf8").trim();
  await slapd.halt();

  expect(await ask("/v2/", "frank", "canary-frank")).toBe(503);
  expect(await ask("/v2/", "admin", admin)).toBe(200);
  await running.untilSaid(/DirectoryUnavailableError: ldaps:[^\n]*ECONNREFUSED/);
  const doctor = await sandbox.run(["doctor"], { command: [join(sandbox.home, "bin/dozo")] });
  expect(doctor.out).toContain("The directory of users (LDAP) cannot be asked");

  await slapd.start();
  expect(await until(() => ask("/v2/", "frank", "canary-frank"), 200)).toBe(200);
});

test("LOG-02: no password is in what the registry wrote", () => {
  expect(running.text()).not.toContain("canary-");
});

/** Asks until it is as expected: the registry asks a directory that was away again after a moment. */
async function until(asked: () => Promise<number>, expected: number): Promise<number> {
  for (;;) {
    const answer = await asked();
    if (answer === expected) return answer;
  }
}
