import { anonymousCaller } from "../../src/core/caller.ts";
import type { AuthResult } from "../../src/auth/authenticate.ts";
import { Sessions } from "../../src/auth/sessions.ts";
import { createApi } from "../../src/api/api.ts";
import type { ApiParts } from "../../src/api/call.ts";
import { defaultLimits, type Limits } from "../../src/core/limits.ts";
import type { AccessAction, AccessRule } from "../../src/core/access-rule.ts";
import { decide } from "../../src/core/policy.ts";
import { parseRepositoryPattern } from "../../src/core/repository-pattern.ts";
import type { Principal } from "../../src/core/principal.ts";
import type { Ulid } from "../../src/core/ulid.ts";
import type { Client } from "../../src/http/listener.ts";
import { BodyReader } from "../../src/http/request-body.ts";
import { createLog } from "../../src/log.ts";
import { Blobs } from "../../src/registry/blobs.ts";
import { Catalog } from "../../src/registry/catalog.ts";
import { Leases } from "../../src/registry/leases.ts";
import { Manifests } from "../../src/registry/manifests.ts";
import type { DiskReserve } from "../../src/registry/ports.ts";
import { Referrers } from "../../src/registry/referrers.ts";
import { Tags } from "../../src/registry/tags.ts";
import { Uploads } from "../../src/registry/uploads.ts";
import { auditedOwnKeys } from "../../src/registry/audited.ts";
import { KeyAdministration } from "../../src/registry/key-administration.ts";
import { type FindKeyHolder, MemoryAccessKeyStore } from "../../src/storage/memory/access-key-store.ts";
import { MemoryBlobStore } from "../../src/storage/memory/blob-store.ts";
import { MemoryMetadataStore } from "../../src/storage/memory/metadata-store.ts";
import { MemoryUploadStore } from "../../src/storage/memory/upload-store.ts";
import { ulid } from "ulid";

/** Alice is admin, bob is not, and mallory does not know a password. */
export type Person = "alice" | "bob" | "mallory" | "nobody";

/** What a test sends. A body of a string or bytes gets its Content-Length; `chunked` leaves it out. */
interface Sent {
  readonly as?: Person;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly chunked?: boolean;
}

/** The whole registry behind its API, on stores in memory. */
export interface TestRegistry {
  readonly handle: (request: Request, client: Client) => Promise<Response>;
  readonly parts: ApiParts;
  readonly metadata: MemoryMetadataStore;
  /** Of who may do what; at first everyone may pull, push and overwrite everywhere. */
  readonly rules: AccessRule[];
  /** What was logged, a line an event. */
  readonly lines: string[];
  call(method: string, path: string, sent?: Sent): Promise<Response>;
}

const principals: Readonly<Record<string, Principal>> = {
  alice: { id: "01ARZ3NDEKTSV4RRFFQ69G5FAA" as Ulid, name: "alice", isAdmin: true, kind: "user", source: "dozo" },
  bob: { id: "01ARZ3NDEKTSV4RRFFQ69G5FAB" as Ulid, name: "bob", isAdmin: false, kind: "user", source: "dozo" },
};

export const secrets = { alice: "canary-alice", bob: "canary-bob" } as const;

/** The header that a client sends for somebody. */
export function credentialsOf(person: Person): string | undefined {
  if (person === "nobody") return undefined;
  const secret = person === "mallory" ? "guess" : secrets[person];
  return `Basic ${btoa(`${person === "mallory" ? "alice" : person}:${secret}`)}`;
}

/** The same two have access keys. */
const keyHolder: FindKeyHolder = (id) => {
  const principal = Object.values(principals).find((each) => each.id === id);
  return principal === undefined ? undefined : { principal, principalExpiresAt: undefined };
};

/** What a test puts in the place of the parts that are there by default. */
export type Overrides = Partial<ApiParts> & { readonly reserve?: DiskReserve };

/** A rule about everyone and all repositories. */
function everyoneMay(...actions: readonly AccessAction[]): AccessRule {
  const repositories = parseRepositoryPattern("**");
  const id = ulid() as Ulid;
  return { id, effect: "allow", subject: { kind: "everyone" }, repositories, actions, createdAt: 0 };
}

/** Makes one; nothing of it has to be closed. */
export function makeRegistry(limits: Partial<Limits> = {}, overrides: Overrides = {}): TestRegistry {
  const metadata = new MemoryMetadataStore();
  const blobs = new MemoryBlobStore();
  const clock = { now: () => Date.now() };
  const allLimits = { ...defaultLimits, ...limits };
  const ports = {
    metadata,
    leases: new Leases({ metadata, clock }),
    keepsReferrers: false,
    blobs,
    uploads: new MemoryUploadStore(blobs),
    clock,
    ulids: { next: () => ulid() as Ulid },
    limits: allLimits,
    reserve: overrides.reserve ?? { assertRoomFor: async () => {} },
  };
  const lines: string[] = [];
  const rules = [everyoneMay("pull", "push", "overwrite")];
  const keys = new KeyAdministration({ keys: new MemoryAccessKeyStore(keyHolder), ...ports });
  const parts: ApiParts = {
    blobs: new Blobs(ports),
    uploads: new Uploads(ports),
    manifests: new Manifests(ports),
    tags: new Tags(ports),
    referrers: new Referrers(ports),
    catalog: new Catalog(ports),
    administration: () => {
      throw new Error("this registry has nothing to administer");
    },
    audit: { exchange: () => {} },
    record: { list: async () => [] },
    groupsOf: () => [],
    authenticate,
    sessions: new Sessions({ clock, versionOf: () => "" }),
    ownKeys: (principal) => auditedOwnKeys(keys, { change: async () => {} }, principal),
    oidc: undefined,
    decide: (caller, action, repository) => decide({ rules, groupsOf: () => [] }, caller, action, repository),
    tokens: {
      issue: () => Promise.reject(new Error("there are no tokens here")),
      redeem: () => Promise.resolve("there are no tokens here"),
    },
    challenge: "auto",
    originOf: () => "https://registry.test",
    limits: allLimits,
    caPem: () => "-----BEGIN CERTIFICATE-----\n",
    identity: () => undefined,
    onUse: () => {},
    onTrustFetched: () => {},
    ready: () => true,
    trustedProxies: [],
    bodies: new BodyReader(1000),
    log: createLog({ level: "info", format: "json", write: (line) => lines.push(line) }),
    clock,
    ...overrides,
  };
  const handle = createApi(parts);
  const call = (method: string, path: string, sent: Sent = {}): Promise<Response> =>
    handle(makeRequest(method, path, sent), { address: "192.0.2.7" });
  return { handle, parts, metadata, rules, lines, call };
}

function makeRequest(method: string, path: string, sent: Sent): Request {
  const headers = new Headers(sent.headers);
  const credentials = credentialsOf(sent.as ?? "alice");
  if (credentials !== undefined && !headers.has("authorization")) headers.set("authorization", credentials);
  headers.set("host", "registry.test");
  if (sent.body === undefined) return new Request(`http://registry.test${path}`, { method, headers });
  const bytes = typeof sent.body === "string" ? new TextEncoder().encode(sent.body) : sent.body;
  if (sent.chunked === true) headers.set("transfer-encoding", "chunked");
  else headers.set("content-length", String(bytes.byteLength));
  return new Request(`http://registry.test${path}`, { method, headers, body: bytes as BodyInit });
}

function authenticate(authorization: string | null): AuthResult {
  if (authorization === null) return { kind: "caller", caller: anonymousCaller };
  for (const person of ["alice", "bob"] as const) {
    const principal = principals[person];
    if (authorization === credentialsOf(person) && principal !== undefined)
      return { kind: "caller", caller: { principal, credential: { kind: "password" } } };
  }
  return { kind: "refused", reason: "the stub knows no such password" };
}
