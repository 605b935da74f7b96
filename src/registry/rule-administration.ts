import {
  type AccessAction,
  accessActions,
  type AccessRule,
  isAccessAction,
  type RuleSubject,
} from "../core/access-rule.ts";
import type { AccountStore } from "../core/account-store.ts";
import {
  type AccessAnswer,
  type AccessQuestion,
  AdministrationError,
  type RuleSummary,
  type RuleText,
} from "../core/administration.ts";
import type { Caller } from "../core/caller.ts";
import { RegistryError } from "../core/error.ts";
import type { Change } from "../core/metadata-store.ts";
import type { Principal } from "../core/principal.ts";
import { parseRepositoryName } from "../core/repository-name.ts";
import { parseRepositoryPattern } from "../core/repository-pattern.ts";
import { isUlid, type UlidSource } from "../core/ulid.ts";
import type { AccessControl } from "./access-control.ts";

/** The word for all who are logged in; it can be a user's name too, and then it still means all of them. */
const everyone = "everyone";

export interface RuleAdministrationPorts {
  readonly accounts: AccountStore;
  readonly access: AccessControl;
  readonly isHtpasswdUser: (name: string) => Promise<boolean>;
  readonly ulids: UlidSource;
}

/** The operator's use cases about the rules of access: words become principals, patterns and actions. */
export class RuleAdministration {
  readonly #ports: RuleAdministrationPorts;
  readonly #change: () => Change;

  constructor(ports: RuleAdministrationPorts, change: () => Change) {
    this.#ports = ports;
    this.#change = change;
  }

  async list(): Promise<readonly RuleSummary[]> {
    return (await this.#ports.access.list()).map(summaryOf);
  }

  async add({ effect, who, actions, repositories }: RuleText): Promise<RuleSummary> {
    const change = this.#change();
    const rule = {
      id: this.#ports.ulids.next(),
      effect,
      repositories: reading(() => parseRepositoryPattern(repositories)),
      actions: actionsOf(actions),
      subject: await this.#subject(who),
    };
    await this.#ports.access.add(rule, change);
    return summaryOf({ ...rule, createdAt: change.at });
  }

  async remove(id: string): Promise<void> {
    const isGone = isUlid(id) && (await this.#ports.access.remove(id, this.#change()));
    if (!isGone) throw new AdministrationError("rule-unknown", `there is no rule ${id}`);
  }

  async check({ user, action, repository }: AccessQuestion): Promise<AccessAnswer> {
    const [asked] = actionsOf([action]);
    const name = reading(() => parseRepositoryName(repository));
    const principal = await this.#principal(user);
    const caller: Caller = { principal, credential: { kind: "password" } };
    const { verdict, rule } = this.#ports.access.decide(caller, asked ?? "pull", name);
    return {
      isAllowed: verdict === "allowed",
      isAdmin: principal.isAdmin,
      rule: rule === undefined ? undefined : summaryOf(rule),
    };
  }

  async #subject(who: string): Promise<RuleSubject> {
    if (who === everyone) return { kind: "everyone" };
    const { id, name } = await this.#principal(who);
    return { kind: "principal", id, name };
  }

  /** As a login would find them: dozo's own user first. */
  async #principal(name: string): Promise<Principal> {
    const { accounts, isHtpasswdUser, ulids } = this.#ports;
    const user = await accounts.findUser(name);
    if (user !== undefined) return { id: user.id, name, isAdmin: user.isAdmin, kind: "user", source: "dozo" };
    if (!(await isHtpasswdUser(name))) throw new AdministrationError("user-unknown", `there is no user ${name}`);
    const id = await accounts.externalPrincipal("htpasswd", name, ulids.next(), this.#change().at);
    return { id, name, isAdmin: false, kind: "user", source: "htpasswd" };
  }
}

function summaryOf({ id, effect, subject, actions, repositories, createdAt }: AccessRule): RuleSummary {
  return { id, effect, who: wordOf(subject), actions, repositories, createdAt };
}

function wordOf(subject: RuleSubject): string {
  if (subject.kind === "principal") return subject.name;
  if (subject.kind !== "group") return subject.kind;
  return `${subject.source === "dozo" ? "group" : subject.source}:${subject.name}`;
}

function actionsOf(words: readonly string[]): readonly AccessAction[] {
  const actions = words.filter(isAccessAction);
  if (actions.length === 0 || actions.length < words.length)
    throw new AdministrationError(
      "rule-invalid",
      `${words.join(",")}: what can be ruled is ${accessActions.join(", ")}`,
    );
  return [...new Set(actions)];
}

/** A refusal of the grammar, for the operator. */
function reading<Parsed>(parse: () => Parsed): Parsed {
  try {
    return parse();
  } catch (error) {
    if (error instanceof RegistryError) throw new AdministrationError("rule-invalid", error.message);
    throw error;
  }
}
