import { setTimeout as sleep } from "node:timers/promises";

import { readAccessKey } from "../core/access-key.ts";
import { anonymousCaller, type Caller, type Credential } from "../core/caller.ts";
import type { ClientCertificate } from "../core/client-certificate.ts";
import type { Clock } from "../core/clock.ts";
import { isPossiblePassword } from "../core/password-rule.ts";
import type { Principal } from "../core/principal.ts";
import type { UlidSource } from "../core/ulid.ts";
import type { Log } from "../log.ts";
import type { AccessKeys } from "./access-keys.ts";
import { type BasicCredentials, readCredentials } from "./basic-credentials.ts";
import { networkOf } from "./client-network.ts";
import type { ClientCertificates } from "./client-certificates.ts";
import { type DecoyHash, makeDecoyHash } from "./decoy-hash.ts";
import { Guessing, type LoginOutcome } from "./guessing.ts";
import type { HtpasswdFile } from "./htpasswd.ts";
import type { DirectoryUsers } from "./ldap/directory-users.ts";
import { LoginQueue, TooManyLoginsError } from "./login-queue.ts";
import { passwordVersion } from "./password-version.ts";
import type { ProcessPrincipals } from "./process-principals.ts";
import { SlowHashes } from "./slow-hashes.ts";
import type { StoredHash } from "./stored-hash.ts";
import { type CredentialVersion, type VerifiedCredential, VerifiedCredentials } from "./verified-credentials.ts";
import type { BearerTokens } from "./tokens/bearer-tokens.ts";
import type { WatchedAccounts } from "./watched-accounts.ts";

/**
 * Who asks. The reason of a refusal is for the operator's log; the client may be told it where `isTold`, and where the
 * refusal is of its certificate, which no password can make good.
 */
export type AuthResult =
  | { readonly kind: "caller"; readonly caller: Caller }
  | {
      readonly kind: "refused";
      readonly reason: string;
      /** Who would have been logged in, where there is such a user: what else was written as a name may be a password. */
      readonly user?: string;
      readonly isTold?: boolean;
      readonly retryAfterSeconds?: number;
    }
  | { readonly kind: "certificate-refused"; readonly reason: string };

/**
 * Answers who sends a request by its `Authorization` header: at once where the password was verified a short time ago. A client
 * address is undefined on a Unix socket. A certificate stands for its user without a password; where a password comes with it,
 * it has to be right, and the same user's.
 */
export type Authenticate = (
  authorization: string | null,
  clientAddress: string | undefined,
  certificate?: ClientCertificate,
) => Promise<AuthResult> | AuthResult;

export interface AuthenticatorOptions {
  readonly accounts: WatchedAccounts;
  readonly htpasswd: HtpasswdFile | undefined;
  /** Asked for names that nobody has here. */
  readonly directory?: Pick<DirectoryUsers, "logIn" | "usualMs"> | undefined;
  readonly clock: Clock;
  readonly ulids: UlidSource;
  readonly log: Log;
  readonly processPrincipals: ProcessPrincipals;
  readonly clientCertificates: Pick<ClientCertificates, "judge">;
  readonly bearerTokens: Pick<BearerTokens, "callerOf">;
  readonly accessKeys: Pick<AccessKeys, "judge">;
  readonly slowHashes?: SlowHashes;
  readonly queue?: LoginQueue;
  readonly guessing?: Guessing;
  /** Called at each login that was not remembered, before it is answered. */
  readonly onLogin?: (principal: Principal) => void;
  /** A failed login is answered so many milliseconds after it came, or later if it had to wait or the slow hash takes longer. */
  readonly failureFloorMs?: number;
  /** How to wait; for tests. */
  readonly wait?: (ms: number) => Promise<unknown>;
}

/** What came of a password that was looked at. */
interface Judged {
  readonly outcome: LoginOutcome;
  readonly result: AuthResult;
}

/** Somebody whose password is right. */
interface Login {
  readonly credential: Credential;
  readonly version: CredentialVersion;
  readonly principal: () => Promise<Principal>;
}

/** Somebody whom a name may mean, and what the password has to be held against. */
interface Candidate extends Login {
  readonly hash: StoredHash;
}

const anonymous: AuthResult = { kind: "caller", caller: anonymousCaller };
const byProcess: Credential = { kind: "process" };
const defaultFailureFloorMs = 250;
/** What is hashed instead of what cannot be a password, so that it costs the same. */
const standIn = "no password";

/**
 * Decides who somebody is. Dozo's own user wins over one of the same name in the htpasswd file, and both over one of the directory.
 *
 * A failed login tells nothing about who exists: each way to fail runs exactly one slow hash, the user's own or a decoy of the
 * costliest kind that is in use, and is answered at a fixed floor. Who guesses is slowed down before that (`Guessing`), and
 * passwords are looked at in a fair order (`LoginQueue`); neither knows which names exist.
 */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #slowHashes: SlowHashes;
  readonly #queue: LoginQueue;
  readonly #guessing: Guessing;
  readonly #verified = new VerifiedCredentials();
  readonly #underWay = new Map<string, Promise<AuthResult>>();
  #decoy: Promise<DecoyHash>;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
    this.#slowHashes = options.slowHashes ?? new SlowHashes();
    this.#queue = options.queue ?? new LoginQueue();
    this.#guessing = options.guessing ?? new Guessing();
    this.#decoy = this.#prepare();
    void this.#removeGone();
    options.htpasswd?.onChange(() => {
      this.#decoy = this.#prepare();
      // At once: a line that goes and comes back is another user, even if its hash is the same.
      this.#verified.keepOnly((credential) => this.#isCurrent(credential));
      void this.#removeGone();
    });
  }

  readonly authenticate: Authenticate = (authorization, clientAddress, certificate) => {
    if (certificate === undefined) return this.#byHeader(authorization, clientAddress);
    return this.#byCertificate(certificate, authorization, clientAddress);
  };

  /** Ends the threads; logins that are under way fail. */
  async stop(): Promise<void> {
    await this.#slowHashes.stop();
  }

  async #byCertificate(
    certificate: ClientCertificate,
    authorization: string | null,
    clientAddress: string | undefined,
  ): Promise<AuthResult> {
    const verdict = await this.#options.clientCertificates.judge(certificate);
    if (verdict.kind === "refused") return { kind: "certificate-refused", reason: verdict.reason };
    const result = await this.#byHeader(authorization, clientAddress);
    if (result === anonymous) return known(verdict.principal, { kind: "certificate", id: certificate.serial });
    const other = result.kind === "caller" ? result.caller.principal : undefined;
    if (other === undefined || other.id === verdict.principal.id) return result;
    const users = `${other.name}, the certificate of ${verdict.principal.name}`;
    return { kind: "certificate-refused", reason: `the password is of ${users}: leave one of them out` };
  }

  #byHeader(authorization: string | null, clientAddress: string | undefined): Promise<AuthResult> | AuthResult {
    const read = readCredentials(authorization);
    if (read.kind === "none") return anonymous;
    if (read.kind === "unreadable") return { kind: "refused", reason: read.reason };
    if (read.kind === "bearer") return this.#byBearer(read.token);
    const { credentials } = read;
    const accessKey = readAccessKey(credentials.password);
    if (accessKey.kind !== "none") return this.#options.accessKeys.judge(accessKey, credentials.name);
    return this.#byPassword(credentials, clientAddress);
  }

  #byBearer(token: string): Promise<AuthResult> | AuthResult {
    const accessKey = readAccessKey(token);
    if (accessKey.kind !== "none") return this.#options.accessKeys.judge(accessKey, undefined);
    return this.#byToken(token);
  }

  async #byToken(token: string): Promise<AuthResult> {
    const caller = await this.#options.bearerTokens.callerOf(token);
    return typeof caller === "string" ? { kind: "refused", reason: caller } : { kind: "caller", caller };
  }

  #byPassword(credentials: BasicCredentials, clientAddress: string | undefined): Promise<AuthResult> | AuthResult {
    const key = this.#verified.keyOf(credentials);
    const remembered = this.#recall(key);
    if (remembered !== undefined) return remembered;
    const { name, password } = credentials;
    const process = this.#options.processPrincipals.find(name, password, clientAddress);
    if (process !== undefined) return known(process, byProcess);
    return this.#once(key, networkOf(clientAddress), credentials);
  }

  #recall(key: string): AuthResult | undefined {
    const remembered = this.#verified.recall(key, this.#options.clock.now());
    if (remembered === undefined) return undefined;
    if (this.#isCurrent(remembered)) return known(remembered.principal, remembered.credential);
    this.#verified.forget(key);
    return undefined;
  }

  #isCurrent({ name, changes, htpasswdHash }: VerifiedCredential): boolean {
    const { accounts, htpasswd } = this.#options;
    return (
      accounts.changesOf(name) === changes &&
      (htpasswdHash === undefined || htpasswd?.users.get(name)?.text === htpasswdHash)
    );
  }

  /**
   * The same name and password, asked for several times at once from one network, are verified once; but not together with what
   * began before the user changed, for that may have seen the password of before. From several networks each waits for its own
   * turn, since one of them may be slowed down.
   */
  #once(key: string, network: string, credentials: BasicCredentials): Promise<AuthResult> {
    const { accounts, htpasswd } = this.#options;
    const { name } = credentials;
    const version = `${accounts.changesOf(name)} ${htpasswd?.users.get(name)?.text ?? ""} ${network} ${key}`;
    const underWay = this.#underWay.get(version);
    if (underWay !== undefined) return underWay;
    const result = this.#verify(key, network, credentials).finally(() => this.#underWay.delete(version));
    this.#underWay.set(version, result);
    return result;
  }

  async #verify(key: string, network: string, credentials: BasicCredentials): Promise<AuthResult> {
    const attempt = this.#guessing.begin({ name: credentials.name, network, key });
    if (attempt.kind === "refused") return attempt;
    let outcome: LoginOutcome = "unknown";
    try {
      const startedAt = performance.now();
      const inDirectory = await this.#askDirectory(credentials);
      const judged =
        typeof inDirectory === "object"
          ? await this.#succeed(key, credentials.name, inDirectory)
          : await this.#inTurn(key, network, credentials, { startedAt, refusal: inDirectory });
      outcome = judged.outcome;
      return judged.result;
    } catch (error) {
      if (!(error instanceof TooManyLoginsError)) throw error;
      return { kind: "refused", reason: error.message, retryAfterSeconds: error.retryAfterSeconds };
    } finally {
      attempt.end(outcome);
    }
  }

  /**
   * Who logs in by the directory, or why not; undefined where it has no say. It judges passwords itself, outside of the turns: a
   * directory that is slow must not keep others waiting. A refusal then costs its slow hash as every other does.
   */
  async #askDirectory({ name, password }: BasicCredentials): Promise<Login | string | undefined> {
    const { accounts, htpasswd, directory } = this.#options;
    if (directory === undefined || !isPossiblePassword(password)) return undefined;
    await htpasswd?.refreshIfDue();
    const changes = accounts.changesOf(name);
    if ((await this.#findCandidate(name)) !== undefined) return undefined;
    if ((await accounts.findRobot(name)) !== undefined) return "a robot has the name, and robots have no password";
    const login = await directory.logIn(name, password);
    if (login.kind === "refused") return login.reason;
    const version = { changes, htpasswdHash: undefined };
    return { credential: { kind: "password" }, version, principal: () => Promise.resolve(login.principal) };
  }

  async #inTurn(
    key: string,
    network: string,
    credentials: BasicCredentials,
    { startedAt, refusal }: { readonly startedAt: number; readonly refusal: string | undefined },
  ): Promise<Judged> {
    const turn = await this.#queue.enter(network);
    const turnAt = performance.now();
    let judged: Judged | undefined;
    try {
      judged = await this.#judge(key, credentials, refusal);
    } finally {
      turn.end({ isSuccess: judged?.outcome === "right" });
    }
    if (judged.outcome === "wrong") await this.#untilFloor(startedAt, turnAt);
    return judged;
  }

  async #judge(key: string, { name, password }: BasicCredentials, refusal: string | undefined): Promise<Judged> {
    // While this waited, the same may have been verified for somebody in another network.
    const remembered = this.#recall(key);
    if (remembered !== undefined) return { outcome: "right", result: remembered };
    await this.#options.htpasswd?.refreshIfDue();
    const candidate = await this.#findCandidate(name);
    const isPossible = isPossiblePassword(password);
    const hash = candidate?.hash ?? (await this.#decoy).hash;
    const matches = await this.#slowHashes.matches(isPossible ? password : standIn, hash);
    if (candidate !== undefined && isPossible && matches) return this.#succeed(key, name, candidate);
    if (candidate !== undefined)
      return { outcome: "wrong", result: { kind: "refused", reason: "the password is wrong", user: name } };
    return { outcome: "wrong", result: { kind: "refused", reason: refusal ?? "there is no such user" } };
  }

  async #succeed(key: string, name: string, { principal: who, version, credential }: Login): Promise<Judged> {
    const principal = await who();
    const verified = { ...version, name, principal, credential };
    // It may have changed while the hash was computed.
    if (!this.#isCurrent(verified))
      return { outcome: "unknown", result: { kind: "refused", reason: "the user changed during the login" } };
    this.#verified.remember(key, verified, this.#options.clock.now());
    this.#options.onLogin?.(principal);
    return { outcome: "right", result: known(principal, credential) };
  }

  async #findCandidate(name: string): Promise<Candidate | undefined> {
    const { accounts, htpasswd } = this.#options;
    const changes = accounts.changesOf(name);
    const user = await accounts.findUser(name);
    if (user !== undefined) {
      const { id, isAdmin } = user;
      return {
        hash: { scheme: "argon2id", text: user.passwordHash },
        credential: byPasswordOf(user.passwordHash),
        version: { changes, htpasswdHash: undefined },
        principal: () => Promise.resolve({ id, name, isAdmin, kind: "user", source: "dozo" }),
      };
    }
    // A robot has no password, and nobody from elsewhere logs in under its name.
    const isRobot = (await accounts.findRobot(name)) !== undefined;
    const hash = isRobot ? undefined : htpasswd?.users.get(name);
    if (hash === undefined) return undefined;
    return {
      hash,
      credential: byPasswordOf(hash.text),
      version: { changes, htpasswdHash: hash.text },
      principal: () => this.#htpasswdPrincipal(name),
    };
  }

  /** Never an admin: who may write that file is not ours to know. */
  async #htpasswdPrincipal(name: string): Promise<Principal> {
    const { accounts, ulids, clock } = this.#options;
    const id = await accounts.externalPrincipal("htpasswd", name, ulids.next(), clock.now());
    return { id, name, isAdmin: false, kind: "user", source: "htpasswd" };
  }

  /** Who is no longer in the htpasswd file must not be who comes back under the name. */
  async #removeGone(): Promise<void> {
    const { accounts, htpasswd, clock, log } = this.#options;
    if (htpasswd === undefined) return;
    try {
      await accounts.keepExternalPrincipals("htpasswd", [...htpasswd.users.keys()], clock.now());
    } catch (error) {
      log.error("who was taken out of the htpasswd file could not be marked as removed", { error });
    }
  }

  async #untilFloor(startedAt: number, turnAt: number): Promise<void> {
    const { failureFloorMs = defaultFailureFloorMs, wait = sleep } = this.#options;
    // A hash can take twice as long on a busy machine: the floor has to stay above it.
    const hashFloorMs = 2 * (await this.#decoy).tookMs;
    // As if the directory had been asked for every name.
    const directoryFloorMs = 2 * (this.#options.directory?.usualMs ?? 0);
    // Who waited long for the turn must not learn from the answer's time how long the hash took.
    const until = Math.max(startedAt + Math.max(failureFloorMs, directoryFloorMs + hashFloorMs), turnAt + hashFloorMs);
    await wait(Math.max(0, until - performance.now()));
  }

  #prepare(): Promise<DecoyHash> {
    const { htpasswd, log } = this.#options;
    this.#warnOfHidden().catch((error: unknown) => log.error("the users could not be compared", { error }));
    return makeDecoyHash(htpasswd?.users.values() ?? []);
  }

  async #warnOfHidden(): Promise<void> {
    const { accounts, htpasswd, log } = this.#options;
    if (htpasswd === undefined) return;
    for (const { name } of await accounts.listUsers()) {
      if (htpasswd.users.has(name))
        log.warn("a user of the htpasswd file is hidden by dozo's own user of the same name", { user: name });
    }
  }
}

function byPasswordOf(storedHash: string): Credential {
  return { kind: "password", version: passwordVersion(storedHash) };
}

function known(principal: Principal, credential: Credential): AuthResult {
  return { kind: "caller", caller: { principal, credential } };
}
