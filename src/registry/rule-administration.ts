import {
  type AccessAction,
  accessActions,
  type AccessRule,
  isAccessAction,
  type RuleSubject,
} from "../core/access-rule.ts";
import {
  type AccessAnswer,
  type AccessQuestion,
  AdministrationError,
  type MadeRule,
  type RuleSummary,
  type RuleText,
} from "../core/administration.ts";
import type { ChallengeSetting } from "../core/challenge-setting.ts";
import { RegistryError } from "../core/error.ts";
import type { Group } from "../core/group.ts";
import type { Change } from "../core/metadata-store.ts";
import { type Decide, type Decision, isAboutMember, isOpenToAnonymous } from "../core/policy.ts";
import type { Principal } from "../core/principal.ts";
import { parseRepositoryName } from "../core/repository-name.ts";
import { parseRepositoryPattern } from "../core/repository-pattern.ts";
import { readSubjectWord, subjectWordOf } from "../core/subject-word.ts";
import { isUlid } from "../core/ulid.ts";
import type { AccessControl } from "./access-control.ts";
import { firstOpeningNotes } from "./first-opening.ts";
import { findPrincipalByName, type PrincipalNamesPorts } from "./principal-by-name.ts";

export interface RuleAdministrationPorts extends PrincipalNamesPorts {
  readonly access: AccessControl;
  /** What clients are asked for. */
  readonly challenge: ChallengeSetting;
}

/** Somebody who is asked about. */
interface Asker {
  /** Undefined: who is not logged in. */
  readonly principal: Principal | undefined;
  readonly groups: readonly Group[];
  readonly decide: Decide;
}

/** Of a directory or provider, which may call them what it likes. */
const externalGroupName = /^\P{Cc}{1,256}$/u;

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

  async add({ effect, who, actions, repositories }: RuleText): Promise<MadeRule> {
    const { access, challenge, ulids } = this.#ports;
    const change = this.#change();
    const subject = await this.#subject(who);
    const rule = {
      id: ulids.next(),
      effect,
      repositories: reading(() => parseRepositoryPattern(repositories)),
      actions: actionsOf(actions),
      subject,
    };
    if (subject.kind === "anonymous" && rule.actions.some((action) => action !== "pull"))
      throw new AdministrationError("rule-invalid", "who is not logged in can only ever pull");
    const wasOpen = isOpenToAnonymous(access.decide);
    await access.add(rule, change);
    const isOpened = !wasOpen && isOpenToAnonymous(access.decide);
    return {
      rule: summaryOf({ ...rule, createdAt: change.at }),
      notes: isOpened ? firstOpeningNotes(challenge) : [],
    };
  }

  async remove(id: string): Promise<void> {
    const isGone = isUlid(id) && (await this.#ports.access.remove(id, this.#change()));
    if (!isGone) throw new AdministrationError("rule-unknown", `there is no rule ${id}`);
  }

  /** Those that decide what somebody may, in the order in which they were made. */
  async listFor(who: string): Promise<readonly RuleSummary[]> {
    const { principal, groups } = await this.#asker(who);
    const rules = await this.#ports.access.list();
    return rules
      .filter(
        ({ subject }) =>
          subject.kind === "anonymous" || (principal !== undefined && isAboutMember(subject, principal.id, groups)),
      )
      .map(summaryOf);
  }

  async check({ who, action, repository }: AccessQuestion): Promise<AccessAnswer> {
    const [asked = "pull"] = actionsOf([action]);
    const name = reading(() => parseRepositoryName(repository));
    const { principal, decide } = await this.#asker(who);
    const decideFor = (asker: Principal | undefined): Decision =>
      decide({ principal: asker, credential: { kind: asker === undefined ? "none" : "password" } }, asked, name);
    const { verdict, rule } = decideFor(principal);
    const hindrance = (await this.#hasExpired(principal)) ? "expired" : undefined;
    const isForOwner =
      verdict !== "allowed" &&
      principal?.owner !== undefined &&
      decideFor(withoutOwner(principal)).verdict === "allowed";
    return {
      isAllowed: verdict === "allowed" && hindrance === undefined,
      isAdmin: principal?.isAdmin === true,
      rule: rule === undefined ? undefined : summaryOf(rule),
      hindrance: hindrance ?? (isForOwner ? "owner" : undefined),
    };
  }

  async #hasExpired(principal: Principal | undefined): Promise<boolean> {
    if (principal?.kind !== "robot") return false;
    return (await this.#ports.accounts.findPrincipal(principal.id, this.#change().at)) === undefined;
  }

  async #subject(who: string): Promise<RuleSubject> {
    const word = readSubjectWord(who);
    if (word.kind === "group") return { kind: "group", ...(await this.#group(word)) };
    if (word.kind !== "name") return { kind: word.kind };
    const { id, name } = await findPrincipalByName(this.#ports, word.name, this.#change().at);
    return { kind: "principal", id, name };
  }

  async #asker(who: string): Promise<Asker> {
    const { access, ulids } = this.#ports;
    const word = readSubjectWord(who);
    const { decide } = access;
    if (word.kind === "anonymous") return { principal: undefined, groups: [], decide };
    if (word.kind === "name") {
      const principal = await findPrincipalByName(this.#ports, word.name, this.#change().at);
      return { principal, groups: access.groupsOf(principal.id), decide };
    }
    const somebody: Principal = { id: ulids.next(), name: who, isAdmin: false, kind: "user", source: "dozo" };
    const groups = word.kind === "group" ? [await this.#group(word)] : [];
    return { principal: somebody, groups, decide: (...asked) => access.decideIn(groups, ...asked) };
  }

  /** A directory's or provider's groups are only ever names; dozo's own has to be there. */
  async #group({ source, name }: Group): Promise<Group> {
    if (source === "dozo") {
      const groups = await this.#ports.access.listGroups();
      if (!groups.some((each) => each.name === name))
        throw new AdministrationError("group-unknown", `there is no group ${name}`);
    } else if (!externalGroupName.test(name))
      throw new AdministrationError("rule-invalid", `${JSON.stringify(name)} is no name of a group`);
    // To a directory a name in two cases is one name.
    return { source, name: source === "ldap" ? name.toLowerCase() : name };
  }
}

function withoutOwner({ id, name, isAdmin, kind, source }: Principal): Principal {
  return { id, name, isAdmin, kind, source };
}

function summaryOf({ id, effect, subject, actions, repositories, createdAt }: AccessRule): RuleSummary {
  return { id, effect, who: subjectWordOf(subject), actions, repositories, createdAt };
}

/** The actions that were written down. Throws `AdministrationError` for a word that is none, and for none at all. */
export function actionsOf(words: readonly string[]): readonly AccessAction[] {
  const actions = words.filter(isAccessAction);
  if (actions.length === 0 || actions.length < words.length)
    throw new AdministrationError(
      "rule-invalid",
      `${words.join(",")}: what can be ruled is ${accessActions.join(", ")}`,
    );
  return [...new Set(actions)];
}

/** What was read, or the grammar's refusal for the operator: an `AdministrationError`. */
export function reading<Parsed>(parse: () => Parsed): Parsed {
  try {
    return parse();
  } catch (error) {
    if (error instanceof RegistryError) throw new AdministrationError("rule-invalid", error.message);
    throw error;
  }
}
