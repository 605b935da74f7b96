import type { AuditSummary } from "./audit-state.ts";
import type { Credential } from "./caller.ts";
import type { AccessKeySelection, AccessKeySummary, MadeAccessKey, NewAccessKey } from "./access-key-administration.ts";
import type { GroupAdministration, RobotAdministration } from "./principal-administration.ts";
import type { PrincipalId } from "./principal.ts";

/** A user as the operator sees it: never with anything of the password. */
export interface UserSummary {
  readonly name: string;
  readonly isAdmin: boolean;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** Somebody who logs in with the company's provider, as the operator sees them. */
export interface CompanyUserSummary {
  readonly name: string;
  /** The provider that says who this is. */
  readonly issuer: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** No login lets them in again. */
  readonly isRemoved: boolean;
}

/** How the registry is, in numbers. */
export interface RegistryStatus {
  readonly version: string;
  /** The process that serves; undefined while none does. */
  readonly pid: number | undefined;
  /** What clients write before the repository: `NAME:PORT`; undefined while nothing serves. */
  readonly address: string | undefined;
  /** The same for the listener that lets in only clients with a certificate; undefined where there is none. */
  readonly clientCertificateAddress: string | undefined;
  /** Whose certificate clients meet there, `off` for none; undefined while nothing serves. */
  readonly tls: "own" | "other" | "off" | undefined;
  /** Milliseconds since 1970; undefined where there is no certificate of dozo's own. */
  readonly certificateEndsAt: number | undefined;
  readonly users: number;
  readonly repositories: number;
  readonly tags: number;
  readonly storedBytes: number;
  /** Bytes of blobs that no manifest needs. */
  readonly unreferencedBytes: number;
  readonly openUploads: number;
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** How many blobs and manifests are damaged. */
  readonly damaged: number;
  /** When the bytes were read that were not read for longest, in milliseconds since 1970; undefined where nothing is stored. */
  readonly oldestVerifiedAt: number | undefined;
  /** How the record of what happens is. */
  readonly record: AuditSummary;
}

export interface NewUser {
  readonly name: string;
  readonly password: string;
  readonly isAdmin: boolean;
}

/** A rule as the operator writes and reads it; `who` is a word as `core/subject-word.ts` has them. */
export interface RuleText {
  readonly effect: "allow" | "deny";
  readonly who: string;
  readonly actions: readonly string[];
  /** `core/repository-pattern.ts` has its grammar. */
  readonly repositories: string;
}

export interface RuleSummary extends RuleText {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** A rule that was made, and what else whoever made it should know: sentences. */
export interface MadeRule {
  readonly rule: RuleSummary;
  readonly notes: readonly string[];
}

/** Whether somebody may do something; `who` as in a rule: of a group it is a member, who is in no other, that is asked about. */
export interface AccessQuestion {
  readonly who: string;
  readonly action: string;
  readonly repository: string;
}

/** `rule` is the one that decided: none where an admin asks, and where nothing allows it. */
export interface AccessAnswer {
  readonly isAllowed: boolean;
  readonly isAdmin: boolean;
  readonly rule: RuleSummary | undefined;
  /** Why not, where it is not for the rules about who asks alone: the robot has expired, or its owner may not. */
  readonly hindrance: "expired" | "owner" | undefined;
}

/** What a client certificate is asked for with: the key's public half (SubjectPublicKeyInfo, PEM), for so many days. */
export interface NewClientCertificate {
  readonly userName: string;
  readonly publicKeyPem: string;
  readonly days: number;
}

/** A client certificate as the operator sees it. */
export interface ClientCertificateSummary {
  readonly serial: string;
  readonly userName: string;
  readonly issuedAt: number;
  readonly endsAt: number;
  /** `user-removed`: whoever has the name now is somebody else. */
  readonly state: "valid" | "ended" | "revoked" | "user-removed";
}

/** Who makes changes. */
export interface Actor {
  readonly id: PrincipalId;
  readonly name: string;
  /** With what that was proved; undefined for who is on the machine itself. */
  readonly credential?: Credential;
  readonly address?: string | undefined;
}

/** What an operator does on the machine itself. The same whether a server runs or not; a change holds at once. */
export interface Administration {
  readonly groups: GroupAdministration;
  readonly robots: RobotAdministration;
  /** In byte order of their names. */
  listUsers(): Promise<readonly UserSummary[]>;
  /** Throws `AdministrationError`: the name or password cannot be one, or the name is taken. */
  addUser(user: NewUser): Promise<void>;
  /** Throws `AdministrationError`: the password cannot be one, or there is no such user. */
  changePassword(name: string, password: string): Promise<void>;
  /**
   * One of dozo's own, or else of the company's provider, who cannot come back then by logging in there; the user's robots go,
   * too. Throws `AdministrationError`: there is no such user, or it is the last admin.
   */
  removeUser(name: string): Promise<void>;
  /** In byte order of their names, those who were removed among them. */
  listCompanyUsers(): Promise<readonly CompanyUserSummary[]>;
  /** Takes the removal of a user of the company's provider back. Throws `AdministrationError`: there is none, or the name is taken. */
  readmitUser(name: string): Promise<void>;
  /** In the order in which they were made. */
  listRules(): Promise<readonly RuleSummary[]>;
  /** Those that decide what somebody may; `who` as in a question. Throws `AdministrationError`: there is nobody of the name. */
  listRulesFor(who: string): Promise<readonly RuleSummary[]>;
  /** Throws `AdministrationError`: there is nobody of the name, no such action, or the repositories are no pattern. */
  addRule(rule: RuleText): Promise<MadeRule>;
  /** Throws `AdministrationError`: there is no such rule. */
  removeRule(id: string): Promise<void>;
  /** Throws `AdministrationError`: there is nobody of the name, no such action, or the repository is no name of one. */
  checkAccess(question: AccessQuestion): Promise<AccessAnswer>;
  status(): Promise<RegistryStatus>;
  /** Signs a certificate with which a client is this user; answers it as PEM. Throws `AdministrationError`: there is no such user. */
  issueClientCertificate(request: NewClientCertificate): Promise<ClientCertificateSummary & { readonly pem: string }>;
  /** In the order in which they were issued. */
  listClientCertificates(): Promise<readonly ClientCertificateSummary[]>;
  /**
   * From now on they are refused, on open connections too. Answers the serials: of one certificate, or of all that a user has.
   * Throws `AdministrationError` where there is none that could be revoked.
   */
  revokeClientCertificates(which: CertificateSelection): Promise<readonly string[]>;
  /** Throws `AdministrationError`: there is no such user, or the key cannot be what was asked for. */
  createKey(principal: string, key: NewAccessKey): Promise<MadeAccessKey>;
  /** In the order in which they were made; for a while also those that have ended. */
  listKeys(): Promise<readonly AccessKeySummary[]>;
  /** From now on they are refused, on open connections too. Answers their ids. Throws `AdministrationError` where there is none. */
  revokeKeys(which: AccessKeySelection): Promise<readonly string[]>;
}

/** One certificate, or all of a user that hold still. */
export type CertificateSelection = { readonly serial: string } | { readonly userName: string };

export type AdministrationFault =
  | "name-invalid"
  | "password-invalid"
  | "user-exists"
  | "user-unknown"
  | "robot-exists"
  | "robot-invalid"
  | "robot-unknown"
  | "group-exists"
  | "group-unknown"
  | "member-unknown"
  | "last-admin"
  | "name-not-permitted"
  | "certificate-unusable"
  | "clients-unready"
  | "rule-invalid"
  | "rule-unknown"
  | "certificate-unknown"
  | "key-invalid"
  | "key-unknown"
  | "too-many-keys"
  | "image-unknown";

/** A refusal that the operator is meant to read. */
export class AdministrationError extends Error {
  readonly fault: AdministrationFault;

  constructor(fault: AdministrationFault, message: string) {
    super(message);
    this.name = "AdministrationError";
    this.fault = fault;
  }
}
