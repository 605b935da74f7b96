import { randomBytes } from "node:crypto";

import { accessActions } from "../core/access-rule.ts";
import type {
  AccessKeySelection,
  AccessKeySummary,
  MadeAccessKey,
  NewAccessKey,
} from "../core/access-key-administration.ts";
import type { AccessKeyRecord, AccessKeyStore } from "../core/access-key-store.ts";
import { accessKeySecretBytes, digestAccessKey, writeAccessKey } from "../core/access-key.ts";
import { type Actor, AdministrationError } from "../core/administration.ts";
import type { CredentialLimits } from "../core/caller.ts";
import type { Clock } from "../core/clock.ts";
import type { Principal } from "../core/principal.ts";
import { parseRepositoryPattern } from "../core/repository-pattern.ts";
import type { UlidSource } from "../core/ulid.ts";
import { actionsOf, reading } from "./rule-administration.ts";

export interface KeyAdministrationPorts {
  readonly keys: AccessKeyStore;
  readonly clock: Clock;
  readonly ulids: UlidSource;
}

/** Who makes, sees and revokes keys: all keys, or those of their own and of their robots. */
export interface KeyActor extends Actor {
  readonly reach: "all" | "own";
}

/** All of them are held in memory. */
const maxKeys = 10_000;
const maxKeysOfPrincipal = 100;
const maxPatterns = 50;
const maxLifetimeMs = 10 * 366 * 86_400_000;

/** The use cases about access keys, for the operator and for people who look after their own. */
export class KeyAdministration {
  readonly #ports: KeyAdministrationPorts;
  /** Keys are made one after the other: there are never more than allowed. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(ports: KeyAdministrationPorts) {
    this.#ports = ports;
  }

  /**
   * Makes a key with which somebody is this principal, within its limits. Throws `AdministrationError`: the words mean nothing,
   * there are too many keys, or the principal is somebody else's business.
   */
  create(principal: Principal, wanted: NewAccessKey, actor: KeyActor): Promise<MadeAccessKey> {
    const made = this.#queue.then(() => this.#create(principal, wanted, actor));
    this.#queue = made.catch(() => undefined);
    return made;
  }

  /** Those that the actor may see, in the order in which they were made; for a while also those that have ended. */
  async list(actor: KeyActor): Promise<readonly AccessKeySummary[]> {
    const now = this.#ports.clock.now();
    return (await this.#within(actor)).map((record) => summaryOf(record, now));
  }

  /**
   * From now on they are refused, on open connections too, and nothing is left of them. Answers their ids. Throws
   * `AdministrationError` where there is none within the actor's reach.
   */
  async revoke(which: AccessKeySelection, actor: KeyActor): Promise<readonly string[]> {
    const chosen = (await this.#within(actor)).filter(({ id, principal }) =>
      "id" in which ? id === which.id : principal.name === which.principal,
    );
    const ids = chosen.map(({ id }) => id);
    const change = { by: actor.id, at: this.#ports.clock.now() };
    if (ids.length > 0 && (await this.#ports.keys.removeKeys(ids, change)) > 0) return ids;
    const what = "id" in which ? `${which.id}, or it was revoked before` : `for ${which.principal}`;
    throw new AdministrationError("key-unknown", `there is no access key ${what}`);
  }

  async #create(principal: Principal, wanted: NewAccessKey, actor: KeyActor): Promise<MadeAccessKey> {
    const { keys, clock, ulids } = this.#ports;
    if (!isWithin(principal, actor))
      throw new AdministrationError("key-invalid", `only an admin makes access keys for ${principal.name}`);
    const change = { by: actor.id, at: clock.now() };
    const limits = limitsOf(wanted);
    const expiresAt = endOf(wanted, change.at);
    assertRoom(await keys.listKeys(), principal);
    const id = ulids.next();
    const key = writeAccessKey(id, randomBytes(accessKeySecretBytes));
    const digest = Buffer.from(digestAccessKey(key)).toString("hex");
    await keys.addKey({ id, digest, principalId: principal.id, limits, expiresAt }, change);
    const dates = { createdAt: change.at, expiresAt, lastUsedAt: undefined, hasEnded: false };
    return { id, principal: principal.name, grants: limits?.grants, ...dates, key };
  }

  async #within(actor: KeyActor): Promise<readonly AccessKeyRecord[]> {
    return (await this.#ports.keys.listKeys()).filter(({ principal }) => isWithin(principal, actor));
  }
}

function isWithin({ id, owner }: Principal, actor: KeyActor): boolean {
  return actor.reach === "all" || id === actor.id || owner?.id === actor.id;
}

function summaryOf(record: AccessKeyRecord, now: number): AccessKeySummary {
  const { id, principal, limits, createdAt, expiresAt, lastUsedAt } = record;
  const hasEnded = [expiresAt, record.principalExpiresAt].some((end) => end !== undefined && now >= end);
  return { id, principal: principal.name, grants: limits?.grants, createdAt, expiresAt, lastUsedAt, hasEnded };
}

/** With a limited key a list shows no more than the key may pull. */
function limitsOf({ repositories, actions }: NewAccessKey): CredentialLimits | undefined {
  if (repositories.length === 0 && actions.length === 0) return undefined;
  if (repositories.length > maxPatterns)
    throw new AdministrationError("key-invalid", `an access key can name ${maxPatterns} repositories or patterns`);
  const patterns = repositories.length === 0 ? ["**"] : [...new Set(repositories)];
  const asked = actions.length === 0 ? accessActions : actionsOf(actions);
  const grants = patterns.map((pattern) => ({
    repositories: reading(() => parseRepositoryPattern(pattern)),
    actions: asked,
  }));
  return { grants, catalog: "granted" };
}

function endOf({ lifetimeMs }: NewAccessKey, now: number): number | undefined {
  if (lifetimeMs === "never") return undefined;
  // Also for what is no number at all: a key without an end has to be asked for.
  if (lifetimeMs > 0 && lifetimeMs <= maxLifetimeMs) return now + Math.round(lifetimeMs);
  throw new AdministrationError(
    "key-invalid",
    "an access key lives for a time between none and ten years, or for ever",
  );
}

function assertRoom(records: readonly AccessKeyRecord[], { id, name }: Principal): void {
  if (records.filter(({ principal }) => principal.id === id).length >= maxKeysOfPrincipal)
    throw new AdministrationError("too-many-keys", `${name} has ${maxKeysOfPrincipal} access keys already`);
  if (records.length >= maxKeys)
    throw new AdministrationError("too-many-keys", `the registry has ${maxKeys} access keys already`);
}
