import { ulid } from "ulid";
import { AccessKeys } from "../../src/auth/access-keys.ts";
import { Authenticator } from "../../src/auth/authenticate.ts";
import { ClientCertificates } from "../../src/auth/client-certificates.ts";
import { hashPassword } from "../../src/auth/password.ts";
import { ProcessPrincipals } from "../../src/auth/process-principals.ts";
import { AccessTokens } from "../../src/auth/tokens/access-tokens.ts";
import { BearerTokens } from "../../src/auth/tokens/bearer-tokens.ts";
import { RefreshTokens } from "../../src/auth/tokens/refresh-tokens.ts";
import { SigningKeys } from "../../src/auth/tokens/signing-keys.ts";
import { TokenHolders } from "../../src/auth/tokens/token-holders.ts";
import { TokenService } from "../../src/auth/tokens/token-service.ts";
import { WatchedAccounts } from "../../src/auth/watched-accounts.ts";
import { accessKeySecretBytes, digestAccessKey, writeAccessKey } from "../../src/core/access-key.ts";
import type { CredentialLimits } from "../../src/core/caller.ts";
import type { AccessAction, AccessRule, RuleSubject } from "../../src/core/access-rule.ts";
import { decide as decideBy, type Decide } from "../../src/core/policy.ts";
import { parseRepositoryPattern } from "../../src/core/repository-pattern.ts";
import type { Ulid } from "../../src/core/ulid.ts";
import type { Client } from "../../src/http/listener.ts";
import { silentLog } from "../../src/log.ts";
import { MemoryAccessKeyStore } from "../../src/storage/memory/access-key-store.ts";
import { MemoryAccountStore } from "../../src/storage/memory/account-store.ts";
import { MemoryClientCertificateStore } from "../../src/storage/memory/client-certificate-store.ts";
import { MemoryRefreshTokenStore } from "../../src/storage/memory/refresh-token-store.ts";
import { makeRegistry, type Overrides, type TestRegistry } from "./registry.ts";

const operator = "00000000000000000000000000" as Ulid;

/** A registry that knows its users for itself: alice, an admin; bob, who has b/* and may pull a/app; each with their name as password. */
export interface TokenRegistry {
  readonly registry: TestRegistry;
  readonly accounts: WatchedAccounts;
  readonly certificates: MemoryClientCertificateStore;
  readonly accessKeys: AccessKeys;
  readonly refreshTokens: RefreshTokens;
  readonly refreshTokenStore: MemoryRefreshTokenStore;
  readonly clock: { now: number };
  readonly idOf: Readonly<Record<"alice" | "bob", Ulid>>;
  /** Makes an access key for the robot `ci`, which may what everyone may; it lasts for a million seconds. */
  makeKey(limits?: CredentialLimits): Promise<string>;
  /** Adds a rule that allows. */
  allow(who: RuleSubject["kind"] | "bob", actions: readonly AccessAction[], repositories: string): void;
  /** One request; `authorization` is the whole header, or `NAME:PASSWORD` for Basic. */
  send(method: string, path: string, authorization?: string, more?: SentMore): Promise<Response>;
  /** What the token service answers to a query. */
  fetchToken(query: string, authorization?: string, more?: SentMore): Promise<TokenAnswer>;
  close(): Promise<void>;
}

interface SentMore {
  readonly headers?: Readonly<Record<string, string>>;
  readonly form?: Readonly<Record<string, string>>;
  readonly client?: Client;
}

/** The fields of a token's answer. */
interface TokenAnswer {
  readonly token: string;
  readonly access_token: string;
  readonly expires_in: number;
  readonly issued_at: string;
  readonly scope: string;
  readonly refresh_token?: string;
}

/** Makes one on stores in memory; the first login of each user costs a slow hash. */
export async function makeTokenRegistry(overrides: Overrides = {}): Promise<TokenRegistry> {
  const time = { now: Date.now() };
  const clock = { now: () => time.now };
  const ulids = { next: () => ulid() as Ulid };
  const accounts = new WatchedAccounts(new MemoryAccountStore());
  const certificates = new MemoryClientCertificateStore();
  const idOf = { alice: ulids.next(), bob: ulids.next() };
  for (const name of ["alice", "bob"] as const) {
    const user = { id: idOf[name], name, isAdmin: name === "alice", passwordHash: await hashPassword(name) };
    await accounts.createUser(user, { by: operator, at: time.now });
  }
  const rules: AccessRule[] = [];
  const decide: Decide = (caller, action, repository) =>
    decideBy({ rules, groupsOf: () => [] }, caller, action, repository);
  const files = new Map<string, string>();
  const keys = await SigningKeys.open({
    files: { read: async (name) => files.get(name), write: async (name, text) => void files.set(name, text) },
    clock,
    log: silentLog,
  });
  const clientCertificates = new ClientCertificates({ accounts, certificates, rules: [], clock });
  const robot = { id: ulids.next(), name: "ci", isAdmin: false, kind: "robot", source: "dozo" } as const;
  const holderOfKeys = { principal: robot, principalExpiresAt: time.now + 10_000_000 };
  const keyStore = new MemoryAccessKeyStore((id) => (id === robot.id ? holderOfKeys : undefined));
  const accessKeys = await AccessKeys.open(keyStore, clock);
  const tokens = new AccessTokens(keys, clock);
  const { secret } = keys;
  const held = { accounts, accessKeys, htpasswd: undefined };
  const holders = new TokenHolders({ ...held, clientCertificates, decide, clock, ulids, secret });
  const authenticator = new Authenticator({
    ...held,
    clientCertificates,
    bearerTokens: new BearerTokens(tokens, holders),
    processPrincipals: new ProcessPrincipals(ulids),
    clock,
    ulids,
    log: silentLog,
    failureFloorMs: 0,
  });
  const { authenticate } = authenticator;
  const store = new MemoryRefreshTokenStore();
  const refreshTokens = new RefreshTokens({ store, clock, log: silentLog, secret });
  const service = new TokenService({ tokens, holders, refreshTokens, decide });
  const registry = makeRegistry({}, { authenticate, tokens: service, decide, clock, ...overrides });
  const send: TokenRegistry["send"] = (method, path, authorization, { headers = {}, form, client } = {}) => {
    const sent = new Headers({ ...headers, host: "registry.test" });
    if (authorization !== undefined) sent.set("authorization", headerOf(authorization));
    const body = form === undefined ? undefined : new URLSearchParams(form).toString();
    if (body !== undefined) sent.set("content-length", String(body.length));
    if (body !== undefined && !sent.has("content-type")) sent.set("content-type", "application/x-www-form-urlencoded");
    const init = body === undefined ? { method, headers: sent } : { method, headers: sent, body };
    return registry.handle(new Request(`http://registry.test${path}`, init), client ?? { address: "192.0.2.7" });
  };
  const registryOf: TokenRegistry = {
    registry,
    accounts,
    certificates,
    accessKeys,
    refreshTokens,
    refreshTokenStore: store,
    clock: time,
    idOf,
    makeKey: async (limits) => {
      const id = ulids.next();
      const key = writeAccessKey(id, crypto.getRandomValues(new Uint8Array(accessKeySecretBytes)));
      const digest = Buffer.from(digestAccessKey(key)).toString("hex");
      const expiresAt = time.now + 1_000_000;
      await accessKeys.addKey({ id, digest, limits, expiresAt, principalId: robot.id }, { by: operator, at: time.now });
      return key;
    },
    allow: (who, actions, repositories) => {
      const subject: RuleSubject =
        who === "bob" ? { kind: "principal", id: idOf.bob, name: "bob" } : ({ kind: who } as RuleSubject);
      const pattern = parseRepositoryPattern(repositories);
      rules.push({ id: ulids.next(), effect: "allow", subject, actions, repositories: pattern, createdAt: 0 });
    },
    send,
    fetchToken: async (query, authorization, more) => {
      const answer = await send(more?.form === undefined ? "GET" : "POST", `/token${query}`, authorization, more);
      if (answer.status !== 200) throw new Error(`${answer.status}: ${await answer.text()}`);
      return (await answer.json()) as TokenAnswer;
    },
    close: () => authenticator.stop(),
  };
  registryOf.allow("bob", ["pull", "push"], "b/*");
  registryOf.allow("bob", ["pull"], "a/app");
  return registryOf;
}

function headerOf(authorization: string): string {
  return authorization.includes(" ") ? authorization : `Basic ${btoa(authorization)}`;
}

/** What a token says that it opens. */
export function accessIn(token: string): unknown {
  const [, payload = ""] = token.split(".");
  return (JSON.parse(Buffer.from(payload, "base64url").toString()) as { access: unknown }).access;
}
