import type { Opened } from "../composition/unserved.ts";
import type {
  AccessKeySelection,
  AccessKeySummary,
  MadeAccessKey,
  NewAccessKey,
} from "../core/access-key-administration.ts";
import type {
  AccessAnswer,
  AccessQuestion,
  Administration,
  CertificateSelection,
  ClientCertificateSummary,
  CompanyUserSummary,
  MadeRule,
  NewClientCertificate,
  NewUser,
  RegistryStatus,
  RuleSummary,
  RuleText,
  UserSummary,
} from "../core/administration.ts";
import type { AuditEvent } from "../core/audit-event.ts";
import type { AuditReading, AuditSummary, UnusedImages, UnusedQuestion } from "../core/audit-state.ts";
import type { AuditQuery } from "../core/audit-store.ts";
import type {
  AuthorityRotation,
  CertificateAdministration,
  CertificateSummary,
  RotationRequest,
} from "../core/certificate-administration.ts";
import type { CollectionAdministration } from "../core/collection-administration.ts";
import { type CommandContext, folderSettings } from "./command-context.ts";
import type { GroupAdministration, RobotAdministration } from "../core/principal-administration.ts";
import { type ControlClient, throughServerOr } from "./control-client.ts";
import type { VerificationAdministration } from "../core/verification-administration.ts";
import { RemoteVerification } from "./remote-verification.ts";
import { RemoteCollection } from "./remote-collection.ts";
import { RemoteGroups, RemoteRobots } from "./remote-principals.ts";

type Options = Readonly<Record<string, unknown>>;

/**
 * Runs something on the registry of the data folder that a command's flags name: through the server where one runs, else on
 * the folder itself, under its lock. The caller cannot tell.
 */
export function onRegistry<Result>(
  context: CommandContext,
  options: Options,
  work: (administration: Administration) => Promise<Result>,
): Promise<Result> {
  const settings = folderSettings(context, options);
  return throughServerOr(settings.data, {
    remote: (server) => work(new RemoteAdministration(server)),
    local: async () => onOpened((await unserved()).openAdministration(settings, context.version), work),
  });
}

/** The same for what an operator does with the certificates. */
export function onCertificates<Result>(
  context: CommandContext,
  options: Options,
  work: (certificates: CertificateAdministration) => Promise<Result>,
): Promise<Result> {
  const settings = folderSettings(context, options);
  return throughServerOr(settings.data, {
    remote: (server) => work(new RemoteCertificates(server)),
    local: async () => onOpened((await unserved()).openCertificates(settings, context.version), work),
  });
}

/** The same for what an operator asks of the record. */
export function onAudit<Result>(
  context: CommandContext,
  options: Options,
  work: (audit: AuditReading) => Promise<Result>,
): Promise<Result> {
  const settings = folderSettings(context, options);
  return throughServerOr(settings.data, {
    remote: (server) => work(new RemoteAuditReading(server)),
    local: async () => onOpened((await unserved()).openAuditReading(settings, context.version), work),
  });
}

/** The same for what an operator does with the garbage collection. */
export function onGarbage<Result>(
  context: CommandContext,
  options: Options,
  work: (garbage: CollectionAdministration) => Promise<Result>,
): Promise<Result> {
  const settings = folderSettings(context, options);
  return throughServerOr(settings.data, {
    remote: (server) => work(new RemoteCollection(server)),
    local: async () => onOpened((await unserved()).openCollection(settings, context.version), work),
  });
}

/** The same for what an operator asks about the soundness of what is stored. */
export function onVerification<Result>(
  context: CommandContext,
  options: Options,
  work: (verification: VerificationAdministration) => Promise<Result>,
): Promise<Result> {
  const settings = folderSettings(context, options);
  return throughServerOr(settings.data, {
    remote: (server) => work(new RemoteVerification(server)),
    local: async () => onOpened((await unserved()).openVerifying(settings, context.version), work),
  });
}

/** Loaded only where no server runs: it is most of the program. */
const unserved = () => import("../composition/unserved.ts");

async function onOpened<UseCases, Result>(
  opening: Promise<Opened<UseCases>>,
  work: (useCases: UseCases) => Promise<Result>,
): Promise<Result> {
  const opened = await opening;
  try {
    return await work(opened.useCases);
  } finally {
    await opened.close();
  }
}

class RemoteAdministration implements Administration {
  readonly #server: ControlClient;
  readonly groups: GroupAdministration;
  readonly robots: RobotAdministration;

  constructor(server: ControlClient) {
    this.#server = server;
    this.groups = new RemoteGroups(server);
    this.robots = new RemoteRobots(server);
  }

  async listUsers(): Promise<readonly UserSummary[]> {
    return (await this.#server.call("GET", "/users")) as readonly UserSummary[];
  }

  async addUser(user: NewUser): Promise<void> {
    await this.#server.call("POST", "/users", user);
  }

  async changePassword(name: string, password: string): Promise<void> {
    await this.#server.call("PUT", `/users/${encodeURIComponent(name)}`, { password });
  }

  async removeUser(name: string): Promise<void> {
    await this.#server.call("DELETE", `/users/${encodeURIComponent(name)}`);
  }

  async listCompanyUsers(): Promise<readonly CompanyUserSummary[]> {
    return (await this.#server.call("GET", "/company-users")) as readonly CompanyUserSummary[];
  }

  async readmitUser(name: string): Promise<void> {
    await this.#server.call("POST", "/company-users/readmission", { name });
  }

  async listRules(): Promise<readonly RuleSummary[]> {
    return (await this.#server.call("GET", "/rules")) as readonly RuleSummary[];
  }

  async listRulesFor(who: string): Promise<readonly RuleSummary[]> {
    return (await this.#server.call("POST", "/access/rules", { who })) as readonly RuleSummary[];
  }

  async addRule(rule: RuleText): Promise<MadeRule> {
    return (await this.#server.call("POST", "/rules", rule)) as MadeRule;
  }

  async removeRule(id: string): Promise<void> {
    await this.#server.call("DELETE", `/rules/${encodeURIComponent(id)}`);
  }

  async checkAccess(question: AccessQuestion): Promise<AccessAnswer> {
    return (await this.#server.call("POST", "/access", question)) as AccessAnswer;
  }

  async status(): Promise<RegistryStatus> {
    return (await this.#server.call("GET", "/status")) as RegistryStatus;
  }

  async issueClientCertificate(
    request: NewClientCertificate,
  ): Promise<ClientCertificateSummary & { readonly pem: string }> {
    const issued = await this.#server.call("POST", "/client-certificates", request);
    return issued as ClientCertificateSummary & { readonly pem: string };
  }

  async listClientCertificates(): Promise<readonly ClientCertificateSummary[]> {
    return (await this.#server.call("GET", "/client-certificates")) as readonly ClientCertificateSummary[];
  }

  async revokeClientCertificates(which: CertificateSelection): Promise<readonly string[]> {
    return (await this.#server.call("POST", "/client-certificates/revoke", which)) as readonly string[];
  }

  async createKey(principal: string, key: NewAccessKey): Promise<MadeAccessKey> {
    return (await this.#server.call("POST", "/keys", { ...key, principal })) as MadeAccessKey;
  }

  async listKeys(): Promise<readonly AccessKeySummary[]> {
    return (await this.#server.call("GET", "/keys")) as readonly AccessKeySummary[];
  }

  async revokeKeys(which: AccessKeySelection): Promise<readonly string[]> {
    return (await this.#server.call("POST", "/keys/revoke", which)) as readonly string[];
  }
}

class RemoteCertificates implements CertificateAdministration {
  readonly #server: ControlClient;

  constructor(server: ControlClient) {
    this.#server = server;
  }

  async show(): Promise<CertificateSummary> {
    return (await this.#server.call("GET", "/certificate")) as CertificateSummary;
  }

  async renew(): Promise<CertificateSummary> {
    return (await this.#server.call("POST", "/certificate/renewal")) as CertificateSummary;
  }

  async addName(name: string): Promise<CertificateSummary> {
    return (await this.#server.call("POST", "/certificate/names", { name })) as CertificateSummary;
  }

  async rotation(): Promise<AuthorityRotation | undefined> {
    return (await this.#server.call("GET", "/authority/rotation")) as AuthorityRotation | undefined;
  }

  async announceAuthority(request: RotationRequest): Promise<AuthorityRotation> {
    return (await this.#server.call("POST", "/authority/rotation", request)) as AuthorityRotation;
  }

  async cancelRotation(): Promise<void> {
    await this.#server.call("DELETE", "/authority/rotation");
  }

  async finishRotation(isForced: boolean): Promise<CertificateSummary> {
    return (await this.#server.call("POST", "/authority/rotation/end", { isForced })) as CertificateSummary;
  }
}

class RemoteAuditReading implements AuditReading {
  readonly #server: ControlClient;

  constructor(server: ControlClient) {
    this.#server = server;
  }

  async list(query: AuditQuery): Promise<readonly AuditEvent[]> {
    return (await this.#server.call("POST", "/audit", query)) as readonly AuditEvent[];
  }

  async summary(): Promise<AuditSummary> {
    return (await this.#server.call("GET", "/audit")) as AuditSummary;
  }

  async unused(question: UnusedQuestion): Promise<UnusedImages> {
    return (await this.#server.call("POST", "/audit/unused", question)) as UnusedImages;
  }
}
