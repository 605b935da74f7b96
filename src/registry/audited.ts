import type { MadeAccessKey, OwnAccessKeys } from "../core/access-key-administration.ts";
import type { Actor, Administration } from "../core/administration.ts";
import type { CertificateAdministration } from "../core/certificate-administration.ts";
import type { Principal } from "../core/principal.ts";
import { operator } from "./administration.ts";
import type { AdministrativeChange, AuditTrail } from "./audit-trail.ts";
import type { KeyAdministration } from "./key-administration.ts";

type Use = (...given: never[]) => Promise<unknown>;

/** Of every method what its success is for the record: a method without it does not compile. */
type Records<UseCases> = {
  readonly [Name in keyof UseCases]: UseCases[Name] extends (...given: infer Given) => Promise<infer Result>
    ? "reads" | ((given: Given, result: Result) => readonly AdministrativeChange[])
    : never;
};

type Principals = "groups" | "robots";

const administration: Records<Omit<Administration, Principals>> = {
  listUsers: "reads",
  addUser: ([{ name, isAdmin }]) => [
    { action: "add user", object: `user ${name}`, reason: isAdmin ? "as an admin" : undefined },
  ],
  changePassword: ([name]) => [{ action: "change password", object: `user ${name}` }],
  removeUser: ([name]) => [{ action: "remove user", object: `user ${name}` }],
  listCompanyUsers: "reads",
  readmitUser: ([name]) => [{ action: "readmit user", object: `user ${name}` }],
  listRules: "reads",
  listRulesFor: "reads",
  addRule: (_, { rule: { id, effect, who, actions, repositories } }) => [
    { action: "add rule", object: `rule ${id}`, reason: `${effect} ${who} ${actions.join(",")} ${repositories}` },
  ],
  removeRule: ([id]) => [{ action: "remove rule", object: `rule ${id}` }],
  checkAccess: "reads",
  status: "reads",
  issueClientCertificate: (_, { serial, userName }) => [
    { action: "issue certificate", object: `certificate ${serial}`, reason: `for ${userName}` },
  ],
  listClientCertificates: "reads",
  revokeClientCertificates: (_, serials) =>
    serials.map((serial) => ({ action: "revoke certificate", object: `certificate ${serial}` })),
  createKey: (_, made) => [keyMade(made)],
  listKeys: "reads",
  revokeKeys: (_, ids) => ids.map(keyRevoked),
};

const ownKeys: Records<OwnAccessKeys> = {
  create: (_, made) => [keyMade(made)],
  list: "reads",
  revoke: (_, ids) => ids.map(keyRevoked),
};

const principals: { readonly [Name in Principals]: Records<Administration[Name]> } = {
  groups: {
    list: "reads",
    add: ([name]) => [{ action: "add group", object: `group ${name}` }],
    remove: ([name], { members, rules }) => [
      { action: "remove group", object: `group ${name}`, reason: `members: ${members}, rules: ${rules}` },
    ],
    join: ([group, members]) => [{ action: "join group", object: `group ${group}`, reason: members.join(", ") }],
    leave: ([group, members]) => [{ action: "leave group", object: `group ${group}`, reason: members.join(", ") }],
  },
  robots: {
    list: "reads",
    add: ([{ name, owner }]) => [
      { action: "add robot", object: `robot ${name}`, reason: owner === undefined ? undefined : `of ${owner}` },
    ],
    remove: ([name]) => [{ action: "remove robot", object: `robot ${name}` }],
  },
};

const certificates: Records<CertificateAdministration> = {
  show: "reads",
  renew: (_, { fingerprint }) => [{ action: "renew certificate", object: `certificate ${fingerprint}` }],
  addName: ([name]) => [{ action: "add name", object: `name ${name}` }],
  rotation: "reads",
  announceAuthority: (_, { fingerprint }) => [{ action: "announce CA", object: `CA ${fingerprint}` }],
  cancelRotation: () => [{ action: "cancel CA", object: undefined }],
  finishRotation: ([isForced]) => [{ action: "serve CA", object: undefined, reason: isForced ? "forced" : undefined }],
};

/** The same use cases, with every change in the record before it is answered. */
export function auditedAdministration(
  useCases: Administration,
  trail: Pick<AuditTrail, "change">,
  actor: Actor = operator,
): Administration {
  const record = (change: AdministrativeChange): Promise<void> => trail.change(actor, change);
  return {
    ...audited<Omit<Administration, Principals>>(useCases, administration, record),
    groups: audited(useCases.groups, principals.groups, record),
    robots: audited(useCases.robots, principals.robots, record),
  };
}

/** The same for those about certificates, which only the operator has. */
export function auditedCertificates(
  useCases: CertificateAdministration,
  trail: Pick<AuditTrail, "change">,
): CertificateAdministration {
  return audited(useCases, certificates, (change) => trail.change(operator, change));
}

/** What somebody does with their own keys, with every change in the record. */
export function auditedOwnKeys(
  keys: Pick<KeyAdministration, "create" | "list" | "revoke">,
  trail: Pick<AuditTrail, "change">,
  principal: Principal & Actor,
): OwnAccessKeys {
  const actor = { ...principal, reach: "own" } as const;
  const useCases: OwnAccessKeys = {
    create: (wanted) => keys.create(principal, wanted, actor),
    list: () => keys.list(actor),
    revoke: (id) => keys.revoke({ id }, actor),
  };
  return audited(useCases, ownKeys, (change) => trail.change(principal, change));
}

function keyMade({ id, principal, grants }: MadeAccessKey): AdministrativeChange {
  return { action: "create key", object: `key ${id}`, reason: `for ${principal}, ${limitsInWords(grants)}` };
}

function keyRevoked(id: string): AdministrativeChange {
  return { action: "revoke key", object: `key ${id}` };
}

function limitsInWords(grants: MadeAccessKey["grants"]): string {
  if (grants === undefined) return "without limits";
  return grants.map(({ actions, repositories }) => `${actions.join(",")} ${repositories}`).join("; ");
}

function audited<UseCases extends object>(
  useCases: UseCases,
  records: Records<UseCases>,
  record: (change: AdministrativeChange) => Promise<void>,
): UseCases {
  const uses = useCases as Readonly<Record<string, Use>>;
  const entries = Object.entries(records as Readonly<Record<string, unknown>>).map(([name, recorded]) => {
    const use = (...given: never[]): Promise<unknown> | undefined => uses[name]?.call(useCases, ...given);
    if (recorded === "reads") return [name, use];
    const changesOf = recorded as (given: unknown, result: unknown) => readonly AdministrativeChange[];
    const audit = async (...given: never[]): Promise<unknown> => {
      const result = await use(...given);
      for (const change of changesOf(given, result)) await record(change);
      return result;
    };
    return [name, audit];
  });
  return Object.fromEntries(entries) as UseCases;
}
