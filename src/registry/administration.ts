import type {
  AccessKeySelection,
  AccessKeySummary,
  MadeAccessKey,
  NewAccessKey,
} from "../core/access-key-administration.ts";
import {
  type AccessAnswer,
  type AccessQuestion,
  type Actor,
  type Administration,
  AdministrationError,
  type CertificateSelection,
  type ClientCertificateSummary,
  type CompanyUserSummary,
  type MadeRule,
  type NewClientCertificate,
  type NewUser,
  type RegistryStatus,
  type RuleSummary,
  type RuleText,
  type UserSummary,
} from "../core/administration.ts";
import type { AuditReading } from "../core/audit-state.ts";
import type { DiskSpace } from "../core/blob-store.ts";
import type { ChallengeSetting } from "../core/challenge-setting.ts";
import { RegistryError } from "../core/error.ts";
import type { Change, MetadataStore } from "../core/metadata-store.ts";
import type { OidcUserStore } from "../core/oidc-user-store.ts";
import { isAcceptablePassword, passwordRule } from "../core/password-rule.ts";
import type { GroupAdministration, RobotAdministration } from "../core/principal-administration.ts";
import type { PrincipalId } from "../core/principal.ts";
import type { VerificationStore } from "../core/verification-store.ts";
import type { AccessControl } from "./access-control.ts";
import { Groups } from "./group-administration.ts";
import type { KeyActor, KeyAdministration } from "./key-administration.ts";
import { assertFreeName, assertNewName, findPrincipalByName, type PrincipalNamesPorts } from "./principal-by-name.ts";
import { Robots } from "./robot-administration.ts";
import { RuleAdministration } from "./rule-administration.ts";
import { makeTurns, type Turn } from "./turns.ts";
import {
  type ClientCertificatesPorts,
  issueClientCertificate,
  listClientCertificates,
  revokeClientCertificates,
} from "./client-certificates.ts";

/** Who makes changes from the machine's own command line. It has no password and cannot log in. */
export const operator: Actor = { id: "00000000000000000000000000" as PrincipalId, name: "operator" };

export interface AdministrationPorts extends ClientCertificatesPorts, PrincipalNamesPorts {
  readonly access: AccessControl;
  readonly challenge: ChallengeSetting;
  readonly keys: KeyAdministration;
  readonly oidcUsers: Pick<OidcUserStore, "listOidcUsers" | "readmitOidcUser">;
  readonly metadata: MetadataStore;
  readonly blobs: { space(): Promise<DiskSpace> };
  readonly verification: Pick<VerificationStore, "facts">;
  readonly audit: Pick<AuditReading, "summary">;
  readonly hashPassword: (password: string) => Promise<string>;
  /** What only the process around knows. */
  readonly processStatus: () => Pick<
    RegistryStatus,
    "version" | "pid" | "address" | "clientCertificateAddress" | "tls" | "certificateEndsAt"
  >;
}

/** The operator's use cases over the ports. */
export class LocalAdministration implements Administration {
  readonly #ports: AdministrationPorts;
  readonly #rules: RuleAdministration;
  readonly #actor: Actor;
  readonly #inTurn: Turn;
  readonly #keyActor: KeyActor;
  readonly groups: GroupAdministration;
  readonly robots: RobotAdministration;

  constructor(ports: AdministrationPorts, actor = operator, turn: Turn = makeTurns()) {
    this.#ports = ports;
    this.#actor = actor;
    this.#inTurn = turn;
    this.#keyActor = { ...actor, reach: "all" };
    const change = (): Change => this.#change();
    this.#rules = new RuleAdministration(ports, change);
    this.groups = new Groups(ports, turn, change);
    this.robots = new Robots(ports, turn, change);
  }

  /** The same, with changes made by somebody else than the operator. Whether they may is the caller's to see. */
  as(actor: Actor): Administration {
    return new LocalAdministration(this.#ports, actor, this.#inTurn);
  }

  async listUsers(): Promise<readonly UserSummary[]> {
    const users = await this.#ports.accounts.listUsers();
    return users.map(({ name, isAdmin, createdAt }) => ({ name, isAdmin, createdAt }));
  }

  async addUser({ name, password, isAdmin }: NewUser): Promise<void> {
    assertNewName("user", name);
    const passwordHash = await this.#hash(password);
    const user = { id: this.#ports.ulids.next(), name, isAdmin, passwordHash };
    await this.#inTurn(async () => {
      await assertFreeName(this.#ports.accounts, name);
      await this.#ports.accounts.createUser(user, this.#change());
    });
  }

  async changePassword(name: string, password: string): Promise<void> {
    const passwordHash = await this.#hash(password);
    const isThere = await this.#inTurn(() => this.#ports.accounts.setPassword(name, passwordHash, this.#change()));
    if (!isThere) throw unknownUser(name);
  }

  removeUser(name: string): Promise<void> {
    return this.#inTurn(async () => {
      const users = await this.#ports.accounts.listUsers();
      const user = users.find((each) => each.name === name);
      if (user === undefined) return this.#removeCompanyUser(name);
      if (user.isAdmin && users.filter((each) => each.isAdmin).length === 1)
        throw new AdministrationError("last-admin", `${name} is the last admin, and without one nobody may delete`);
      await this.#ports.accounts.removeUser(name, this.#change());
    });
  }

  async listCompanyUsers(): Promise<readonly CompanyUserSummary[]> {
    const users = await this.#ports.oidcUsers.listOidcUsers();
    return users.map(({ name, issuer, createdAt, isRemoved }) => ({ name, issuer, createdAt, isRemoved }));
  }

  readmitUser(name: string): Promise<void> {
    const { oidcUsers, access } = this.#ports;
    return this.#inTurn(async () => {
      const isBack = await oidcUsers.readmitOidcUser(name, this.#change()).catch((error: unknown) => {
        if (error instanceof RegistryError && error.code === "CONFLICT")
          throw new AdministrationError("user-exists", error.message);
        throw error;
      });
      if (!isBack)
        throw new AdministrationError("user-unknown", `no user ${name} of the company's provider was removed`);
      // The rules about them hold again, too.
      await access.list();
    });
  }

  listRules(): Promise<readonly RuleSummary[]> {
    return this.#rules.list();
  }

  listRulesFor(who: string): Promise<readonly RuleSummary[]> {
    return this.#rules.listFor(who);
  }

  addRule(rule: RuleText): Promise<MadeRule> {
    return this.#inTurn(() => this.#rules.add(rule));
  }

  removeRule(id: string): Promise<void> {
    return this.#inTurn(() => this.#rules.remove(id));
  }

  checkAccess(question: AccessQuestion): Promise<AccessAnswer> {
    return this.#rules.check(question);
  }

  async status(): Promise<RegistryStatus> {
    const { accounts, metadata, blobs, verification, audit, processStatus } = this.#ports;
    const asked = [
      accounts.listUsers(),
      metadata.totals(),
      blobs.space(),
      audit.summary(),
      verification.facts(),
    ] as const;
    const [users, totals, space, record, soundness] = await Promise.all(asked);
    const { repositories, tags, storedBytes, unreferencedBytes, openUploads } = totals;
    const { freeBytes, totalBytes } = space;
    const counts = { repositories, tags, storedBytes, unreferencedBytes, openUploads, freeBytes, totalBytes };
    return { ...processStatus(), users: users.length, ...counts, ...soundness, record };
  }

  issueClientCertificate(request: NewClientCertificate): Promise<ClientCertificateSummary & { readonly pem: string }> {
    return this.#inTurn(() => issueClientCertificate(this.#ports, request, this.#change()));
  }

  listClientCertificates(): Promise<readonly ClientCertificateSummary[]> {
    return listClientCertificates(this.#ports);
  }

  revokeClientCertificates(which: CertificateSelection): Promise<readonly string[]> {
    return this.#inTurn(() => revokeClientCertificates(this.#ports, which, this.#change()));
  }

  async createKey(principal: string, key: NewAccessKey): Promise<MadeAccessKey> {
    return this.#ports.keys.create(
      await findPrincipalByName(this.#ports, principal, this.#ports.clock.now()),
      key,
      this.#keyActor,
    );
  }

  listKeys(): Promise<readonly AccessKeySummary[]> {
    return this.#ports.keys.list(this.#keyActor);
  }

  revokeKeys(which: AccessKeySelection): Promise<readonly string[]> {
    return this.#ports.keys.revoke(which, this.#keyActor);
  }

  async #removeCompanyUser(name: string): Promise<void> {
    const isRemoved = await this.#ports.accounts.removeExternalPrincipal("oidc", name, this.#change());
    if (!isRemoved) throw unknownUser(name);
  }

  async #hash(password: string): Promise<string> {
    if (!isAcceptablePassword(password)) throw new AdministrationError("password-invalid", passwordRule);
    return this.#ports.hashPassword(password);
  }

  #change(): Change {
    return { by: this.#actor.id, at: this.#ports.clock.now() };
  }
}

function unknownUser(name: string): AdministrationError {
  return new AdministrationError("user-unknown", `there is no user ${name}`);
}
