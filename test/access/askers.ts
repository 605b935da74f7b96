import type { ClientCertificate } from "../../src/core/client-certificate.ts";
import type { PrincipalId } from "../../src/core/principal.ts";
import type { Standing } from "./oracle.ts";
import { browsers } from "./browsers.ts";
import { limitedKeys, robots } from "./keys.ts";
import { limitedTokens, tokens, worthlessTokens } from "./tokens.ts";
import type { World } from "./world.ts";
import { formerPassword, passwordOf, unlimited } from "./world.ts";

/** Somebody who asks, with what they show for it, and what that is worth. */
export interface Asker {
  readonly name: string;
  readonly standing: Standing;
  readonly headers: Readonly<Record<string, string>>;
  /** Whose uploads are their own; who the standing names where it is not said. */
  readonly id?: PrincipalId;
  readonly certificate?: ClientCertificate;
  /** Where they ask from; a network of their own each time where it is not said. */
  readonly address?: string;
  /** Asks in strange ways too: one of each standing is enough for that. */
  readonly triesTricks?: boolean;
  /** Where it is not about all repositories that they ask: what they may others ask for, too. */
  readonly about?: "some" | "few";
  /** A browser, as it is before each request; `formToken` is what its pages have in their forms. */
  readonly openBrowser?: () => { readonly headers: Readonly<Record<string, string>>; readonly formToken: string };
  /** Behind every path that they ask for. */
  readonly query?: string;
}

const nobody: Standing = { kind: "nobody" };
const refused: Standing = { kind: "refused" };
const refusedCertificate: Standing = { kind: "certificate-refused" };

/** Every kind of principal, and every kind of credential. */
export async function askersOf(world: World): Promise<readonly Asker[]> {
  const askers: readonly Asker[] = [
    ...people(world),
    ...strangers(),
    ...worthless(world),
    ...(await certificates(world)),
    ...(await tokens(world)),
    ...(await limitedTokens(world)),
    ...(await worthlessTokens(world)),
    ...(await accessKeys(world)),
    ...(await limitedKeys(world)),
    ...(await robots(world)),
    ...browsers(world),
    {
      name: "a process from here",
      ...process(world),
      standing: { kind: "person", name: "root", getsNoToken: true, shows: "process" },
      id: world.process.principal.id,
      address: "127.0.0.1",
    },
    { name: "a process from elsewhere", ...process(world), standing: refused },
  ];
  return askers.map((asker) => ({ ...asker, triesTricks: tricksters.has(asker.name) }));
}

const tricksters: ReadonlySet<string> = new Set([
  "root by password",
  "alice by password",
  "rita by password",
  "nobody",
  "a wrong password",
  "a revoked certificate",
  "root logged in on a page",
]);

function person(name: string): Standing {
  return { kind: "person", name };
}

function machineOf(name: string, shows: "key" | "certificate"): Standing {
  return { kind: "person", name, shows };
}

function basic(name: string, password: string): { readonly headers: Readonly<Record<string, string>> } {
  return { headers: { authorization: `Basic ${btoa(`${name}:${password}`)}` } };
}

function bearer(key: string): Pick<Asker, "headers"> {
  return { headers: { authorization: `Bearer ${key}` } };
}

/** Everybody with the right password; those who are gone come with theirs too. */
function people(world: World): readonly Asker[] {
  return world.words.people.map(({ name }) => {
    const standing = name === "gone" ? refused : person(name === "again" ? "nora" : name);
    return { name: `${name} by password`, standing, id: world.idOf(name), ...basic(name, passwordOf(name)) };
  });
}

/** Those who show nothing, in ways that could be taken for something. */
function strangers(): readonly Asker[] {
  const shown: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    nobody: {},
    "nobody, as podman says it": { authorization: "Basic Og==" },
    "nobody with a cookie": { cookie: "session=alice; dozo=alice; token=alice" },
    "nobody with headers of a proxy": {
      "x-forwarded-user": "root",
      "x-remote-user": "root",
      "x-forwarded-for": "127.0.0.1",
      "proxy-authorization": `Basic ${btoa(`root:${passwordOf("root")}`)}`,
    },
  };
  const askers = Object.entries(shown).map(([name, headers]): Asker => ({
    name,
    standing: nobody,
    headers,
    ...(name === "nobody" ? {} : { about: "some" }),
  }));
  const query = `access_token=x&token=x&account=root&user=root&password=${encodeURIComponent(passwordOf("root"))}`;
  return [
    ...askers,
    {
      name: "nobody with a query",
      standing: { kind: "nobody", tellsSecrets: true },
      headers: {},
      query,
      about: "some",
    },
  ];
}

/** Those who show something that is worth nothing. */
function worthless({ process: { name, secret } }: World): readonly Asker[] {
  const right = basic("alice", passwordOf("alice")).headers["authorization"] ?? "";
  const authorizations: Readonly<Record<string, string>> = {
    "a wrong password": "Basic cm9vdDpndWVzcw==",
    "nobody's name": `Basic ${btoa("nobody:guess")}`,
    "an empty password": `Basic ${btoa("root:")}`,
    "a password without a name": `Basic ${btoa(`:${passwordOf("root")}`)}`,
    "alice by the password of before": `Basic ${btoa(`alice:${formerPassword}`)}`,
    "alice by bob's password": `Basic ${btoa(`alice:${passwordOf("bob")}`)}`,
    "a name in other case": `Basic ${btoa(`ALICE:${passwordOf("alice")}`)}`,
    "credentials that are no base64": "Basic %%%%",
    "credentials without a colon": `Basic ${btoa("alice")}`,
    "a scheme that is none": right.replace("Basic", "Digest"),
    "a password as Bearer": right.replace("Basic", "Bearer"),
    "a token that nobody signed": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0.",
    "a process's secret under another name": `Basic ${btoa(`root:${secret}`)}`,
    "a process's name with a guess": `Basic ${btoa(`${name}:guess`)}`,
  };
  const askers = Object.entries(authorizations).map(([what, authorization]): Asker => ({
    name: what,
    standing: refused,
    headers: { authorization },
  }));
  const headers = { authorization: `${right}, ${right}` };
  return [...askers, { name: "two passwords at once", standing: { kind: "contradiction" }, headers }];
}

function process({ process: { name, secret } }: World): { readonly headers: Readonly<Record<string, string>> } {
  return basic(name, secret);
}

async function certificates(world: World): Promise<readonly Asker[]> {
  const change = { by: world.idOf("root"), at: world.now() };
  const issue = async (digit: string, userName: string, userId = world.idOf(userName)): Promise<ClientCertificate> => {
    const shown = certificateOf(world, digit);
    const { serial, fingerprint } = shown;
    await world.certificates.addCertificate(
      { serial, fingerprint, userId, userName, endsAt: world.now() + 1000 },
      change,
    );
    return shown;
  };
  const [alices, revoked, former] = [await issue("a", "alice"), await issue("b", "root"), await issue("c", "gone")];
  await world.certificates.revokeCertificates([revoked.serial], change);
  const unknown = certificateOf(world, "d");
  const ended = { ...alices, notAfter: world.now() };
  const early = { ...alices, notBefore: world.now() + 1 };
  const ofServer = { ...alices, isForClients: false };
  const foreign = (cn: string): ClientCertificate => ({ ...unknown, isOwn: false, names: [{ kind: "cn", value: cn }] });
  const alice = { standing: machineOf("alice", "certificate"), certificate: alices };
  return [
    { name: "alice by certificate", headers: {}, ...alice },
    {
      name: "alice by certificate and password",
      ...basic("alice", passwordOf("alice")),
      ...alice,
      standing: person("alice"),
    },
    {
      name: "rita by another authority's certificate",
      standing: machineOf("rita", "certificate"),
      headers: {},
      certificate: foreign("rita.example.com"),
    },
    { name: "alice by certificate, with a wrong password", ...basic("alice", "guess"), ...alice, standing: refused },
    { ...bad("alice by certificate, with bob's password", alices), ...basic("bob", passwordOf("bob")) },
    { ...bad("a revoked certificate with a good password", revoked), ...basic("root", passwordOf("root")) },
    bad("a revoked certificate", revoked),
    bad("a certificate that has ended", ended),
    bad("a certificate that does not hold yet", early),
    bad("a certificate of somebody who is gone", former),
    bad("a certificate that was never issued", unknown),
    bad("a server's certificate", ofServer),
    bad("another authority's certificate for nobody", foreign("mallory.example.com")),
    bad("another authority's certificate for an admin", foreign("root.example.com")),
    bad("another authority's certificate outside its rule", foreign("alice.example.org")),
  ];
}

function bad(name: string, certificate: ClientCertificate): Asker {
  return { name, standing: refusedCertificate, headers: {}, certificate };
}

async function accessKeys({ administration, formerKeys }: World): Promise<readonly Asker[]> {
  const made = async (name: string): Promise<string> => (await administration.createKey(name, unlimited)).key;
  const [alices, ritas, roots] = [await made("alice"), await made("rita"), await made("root")];
  const revoked = await administration.createKey("root", unlimited);
  await administration.revokeKeys({ id: revoked.id });
  const [gone = "", again = ""] = [formerKeys.get("gone"), formerKeys.get("again")];
  const other = roots.endsWith("0") ? "1" : "0";
  return [
    { name: "alice by access key", standing: machineOf("alice", "key"), ...basic("alice", alices) },
    { name: "rita by access key as Bearer", standing: machineOf("rita", "key"), ...bearer(ritas) },
    { name: "root by access key as Bearer", standing: machineOf("root", "key"), ...bearer(roots) },
    { name: "an access key with another's name", standing: refused, ...basic("alice", roots) },
    { name: "an access key without a name", standing: refused, ...basic("", roots) },
    { name: "an access key that was mistyped", standing: refused, ...bearer(roots.slice(0, -1) + other) },
    { name: "an access key that was revoked", standing: refused, ...basic("root", revoked.key) },
    { name: "an access key that was revoked, as Bearer", standing: refused, ...bearer(revoked.key) },
    { name: "an access key of somebody who is gone", standing: refused, ...basic("gone", gone) },
    { name: "an access key of the one before", standing: refused, ...basic("again", again) },
  ];
}

function certificateOf(world: World, digit: string): ClientCertificate {
  return {
    serial: digit.repeat(32),
    fingerprint: digit.repeat(64),
    names: [],
    notBefore: world.now() - 1000,
    notAfter: world.now() + 1000,
    isOwn: true,
    isForClients: true,
  };
}
