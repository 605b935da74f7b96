import { type Deed, repositories, type RobotWords, type RuleWords, type Words } from "./words.ts";

/**
 * What the registry has to answer, from the rules in words. It shares no code with the registry: neither how a rule is read, nor
 * what a path means, nor what an endpoint asks for.
 */

/** What a credential is good for at most, in words. */
export interface LimitWords {
  readonly grants: readonly { readonly repositories: string; readonly actions: readonly Deed[] }[];
  /** Which repositories it lets be listed: none, those that it lets be pulled, or all that its holder may pull. */
  readonly catalog: "none" | "granted" | "all";
  /** Who comes with too small a token is told to fetch another; of a key there is no other to fetch. */
  readonly isToken: boolean;
  /** What the credential was good for that it was had with. */
  readonly within?: LimitWords;
}

/** A browser, and which page makes it ask. */
export interface BrowserWords {
  /** Who is logged in there, if the session goes on. */
  readonly session?: string;
  /** `unsaid` also where there is no cookie that a form of the registry's own page could be made for. */
  readonly page: "own" | "foreign" | "unsaid";
}

/** Who a request is from, as far as a judge can tell who sees the credential and the books, and whether a browser sends it. */
export type Standing = { readonly browser?: BrowserWords } & StandingOfCredential;

type StandingOfCredential =
  | {
      readonly kind: "nobody";
      readonly tellsSecrets?: true;
      readonly limits?: LimitWords;
    }
  /** Logged in. A token is nothing to have another token with, nor is what this process alone knows. */
  | {
      readonly kind: "person";
      readonly name: string;
      readonly getsNoToken?: true;
      /** Something else than the person's password. */
      readonly shows?: "key" | "certificate" | "token" | "process";
      readonly limits?: LimitWords;
    }
  /** Shows something that is worth nothing: a wrong password, a revoked key. */
  | { readonly kind: "refused" }
  /** Shows a client certificate that is worth nothing. */
  | { readonly kind: "certificate-refused" }
  /** Says two things at once. */
  | { readonly kind: "contradiction" };

/** The answer to a request; `code` is the specification's, none where the request succeeds. */
export interface Expected {
  readonly status: number;
  readonly code?: string;
}

/**
 * `list`: a list of repositories, which shows what may be pulled; `administer`: what is for admins alone; `token`: another
 * credential; `own keys`: credentials that outlive this one.
 */
type Need = Deed | "login" | "own keys" | "list" | "administer" | "token" | "nothing";

/** What each endpoint is for, in words; a row of the route table that is not here has no answer that could be right. */
export const needs: Readonly<Record<string, Need>> = {
  "GET /v2/": "login",
  "GET /v2/{name}/blobs/{digest}": "pull",
  "DELETE /v2/{name}/blobs/{digest}": "delete",
  "GET /v2/{name}/manifests/{reference}": "pull",
  "PUT /v2/{name}/manifests/{reference}": "push",
  "DELETE /v2/{name}/manifests/{reference}": "delete",
  "POST /v2/{name}/blobs/uploads/": "push",
  "GET /v2/{name}/blobs/uploads/{id}": "push",
  "PATCH /v2/{name}/blobs/uploads/{id}": "push",
  "PUT /v2/{name}/blobs/uploads/{id}": "push",
  "DELETE /v2/{name}/blobs/uploads/{id}": "push",
  "GET /v2/{name}/tags/list": "pull",
  "GET /v2/{name}/referrers/{digest}": "pull",
  "GET /v2/_catalog": "list",
  "GET /v1/search": "list",
  "GET /v1/_ping": "nothing",
  "GET /token": "token",
  // Who it is says the form.
  "POST /token": "nothing",
  "GET /": "nothing",
  "GET /ca.crt": "nothing",
  "GET /enroll": "nothing",
  "GET /enroll/line": "login",
  "GET /enroll.sh": "nothing",
  "GET /enroll.ps1": "nothing",
  "GET /livez": "nothing",
  // Pages know people by their sessions, which count for nothing else.
  "GET /login": "nothing",
  "POST /login": "nothing",
  "POST /logout": "nothing",
  "GET /login/oidc": "nothing",
  "GET /login/oidc/callback": "nothing",
  "GET /keys": "nothing",
  "POST /keys": "nothing",
  "POST /keys/revoke": "nothing",
  "GET /api/v1/users": "administer",
  "POST /api/v1/users": "administer",
  "PUT /api/v1/users/{user}": "administer",
  "DELETE /api/v1/users/{user}": "administer",
  "GET /api/v1/groups": "administer",
  "POST /api/v1/groups": "administer",
  "DELETE /api/v1/groups/{group}": "administer",
  "POST /api/v1/groups/{group}/join": "administer",
  "POST /api/v1/groups/{group}/leave": "administer",
  "GET /api/v1/robots": "administer",
  "POST /api/v1/robots": "administer",
  "DELETE /api/v1/robots/{robot}": "administer",
  "GET /api/v1/keys": "administer",
  "POST /api/v1/keys": "administer",
  "DELETE /api/v1/keys/{key}": "administer",
  "GET /api/v1/me": "login",
  "GET /api/v1/audit": "administer",
  "GET /api/v1/me/keys": "own keys",
  "POST /api/v1/me/keys": "own keys",
  "DELETE /api/v1/me/keys/{key}": "own keys",
  "GET /api/v1/rules": "administer",
  "POST /api/v1/rules": "administer",
  "DELETE /api/v1/rules/{rule}": "administer",
  "POST /api/v1/access": "administer",
  "GET /api/v1/repositories/{name}/rules": "admin",
  "POST /api/v1/repositories/{name}/rules": "admin",
  "DELETE /api/v1/repositories/{name}/rules/{rule}": "admin",
};

const unauthorized: Expected = { status: 401, code: "UNAUTHORIZED" };
const denied: Expected = { status: 403, code: "DENIED" };

/** Judges a registry that is as the words say. */
export class Oracle {
  readonly #words: Words;
  readonly #rules: readonly (RuleWords & { readonly form: RegExp })[];

  constructor(words: Words) {
    this.#words = words;
    this.#rules = words.rules.map((rule) => ({ ...rule, form: formOfNames(rule.repositories) }));
  }

  /** Whether somebody may do something to a repository with what they show. */
  may(standing: Standing, deed: Deed, repository: string): boolean {
    return this.#mayAtAll(standing, deed, repository) && isWithin(standing, deed, repository);
  }

  /** Whether the rules let somebody do something to a repository, whatever they show. */
  #mayAtAll(standing: Standing, deed: Deed, repository: string): boolean {
    if (standing.kind === "nobody") return deed === "pull" && this.#says("anonymous", deed, repository) === "yes";
    return standing.kind === "person" && this.#mayOf(standing.name, deed, repository);
  }

  /** A robot may what the rules give it, and its owner. */
  #mayOf(name: string, deed: Deed, repository: string): boolean {
    const robot = this.#words.robots.find((each) => each.name === name);
    if (robot !== undefined)
      return (
        this.#mayAlone(robot, deed, repository) &&
        (robot.owner === undefined || this.#mayOf(robot.owner, deed, repository))
      );
    const person = this.#words.people.find((each) => each.name === name);
    return person !== undefined && (person.isAdmin || this.#mayAlone(person, deed, repository));
  }

  #mayAlone(somebody: Pick<RobotWords, "name" | "groups">, deed: Deed, repository: string): boolean {
    const own = this.#says(somebody, deed, repository);
    // Who is logged in may what strangers may, unless it is denied them by name.
    if (own === "nothing" && deed === "pull") return this.#says("anonymous", deed, repository) === "yes";
    return own === "yes";
  }

  /** The repositories that a list shows. */
  visible(standing: Standing): readonly string[] {
    const limits = "limits" in standing ? standing.limits : undefined;
    const isShown = (name: string): boolean => this.#mayAtAll(standing, "pull", name) && isListed(limits, name);
    const shown = repositories.filter(({ name, exists }) => exists && isShown(name));
    return shown.map(({ name }) => name).toSorted();
  }

  /** What a token is for that was asked for all of these repositories, and the catalog: what clients have words for, and `overwrite`. */
  tokenFor(standing: Standing, names: readonly string[]): readonly string[] {
    const isListing = standing.kind === "person" || this.#isOpen();
    const limits = "limits" in standing ? standing.limits : undefined;
    const entries = names.flatMap((name) => {
      const allowed = (["pull", "push", "overwrite", "delete"] as const).filter((deed) =>
        this.may(standing, deed, name),
      );
      const given = allowed.filter((deed) => deed !== "overwrite" || allowed.includes("push"));
      return given.length === 0 ? [] : [`${name}: ${given.join(" ")}`];
    });
    return isListing && !listsNothing(limits) ? [...entries, "catalog: *"] : entries;
  }

  /**
   * The answer to a request whose path the runtime has made plain already. `whenAllowed` is what comes where nothing speaks
   * against it, which is a matter of what is stored.
   */
  answer(standing: Standing, method: string, path: string, whenAllowed: () => Expected): Expected {
    // Whatever it is and whoever asks: a page of another site changes nothing.
    if (standing.browser?.page === "foreign" && method !== "GET" && method !== "HEAD") return denied;
    const place = placeOf(method, path);
    if (path === "/enroll/line" && standing.kind === "nobody" && standing.browser?.session !== undefined)
      return place.kind === "endpoint" ? whenAllowed() : withoutEndpoint(place);
    if (place.need === "nothing") return whenAllowed();
    if (place.kind !== "endpoint" && !path.startsWith("/v2/")) return withoutEndpoint(place);
    if (place.need === "token" && ("tellsSecrets" in standing || "getsNoToken" in standing))
      return { status: 400, code: "UNSUPPORTED" };
    if (standing.kind === "contradiction") return { status: 400, code: "UNSUPPORTED" };
    if (standing.kind === "certificate-refused") return denied;
    if (standing.kind === "refused") return unauthorized;
    return this.#answerToKnown(standing, place, whenAllowed);
  }

  #answerToKnown(
    standing: Standing & { readonly kind: "person" | "nobody" },
    place: Place,
    whenAllowed: () => Expected,
  ): Expected {
    const { limits } = standing;
    const isKnown = standing.kind === "person";
    const tooLimited = isKnown && limits?.isToken !== true ? denied : unauthorized;
    // A token of nobody's is a login, too.
    const isLoggedIn = isKnown || limits !== undefined;
    if (place.need === "own keys") return answerAboutKeys(standing, whenAllowed);
    const isAboutLists = place.need === "list" || place.need === "token";
    if (isAboutLists && (isKnown || this.#isOpen()) && listsNothing(limits)) return tooLimited;
    if (isAboutLists) return isKnown || this.#isOpen() ? whenAllowed() : unauthorized;
    if (place.need === "administer" && isKnown) {
      if (!this.#isAdmin(standing)) return denied;
      return limits === undefined ? whenAllowed() : tooLimited;
    }
    if (place.need === "administer" || (!isLoggedIn && (place.kind !== "endpoint" || place.need === "login")))
      return unauthorized;
    if (place.kind !== "endpoint") return withoutEndpoint(place);
    if (place.need === "login" || place.need === "nothing") return whenAllowed();
    if (!isName(place.name)) return isLoggedIn ? { status: 400, code: "NAME_INVALID" } : unauthorized;
    if (!this.#mayAtAll(standing, place.need, place.name)) return isKnown ? denied : unauthorized;
    return isWithin(standing, place.need, place.name) ? whenAllowed() : tooLimited;
  }

  #isAdmin(standing: Standing): boolean {
    return this.#words.people.some(
      ({ name, isAdmin }) => isAdmin && standing.kind === "person" && name === standing.name,
    );
  }

  /** Whether anything is open to those who are not logged in. */
  #isOpen(): boolean {
    return this.#words.rules.some(
      ({ effect, who, actions }) => effect === "allow" && who === "anonymous" && actions.includes("pull"),
    );
  }

  #says(
    about: Pick<RobotWords, "name" | "groups"> | "anonymous",
    deed: Deed,
    repository: string,
  ): "yes" | "no" | "nothing" {
    const names = about === "anonymous" ? [about] : ["everyone", about.name, ...(about.groups ?? [])];
    const said = this.#rules.filter(
      (rule) => names.includes(rule.who) && isMeant(rule, deed) && rule.form.test(repository),
    );
    if (said.length === 0) return "nothing";
    return said.every(({ effect }) => effect === "allow") ? "yes" : "no";
  }
}

/** To allow `admin` is to allow all; to deny it takes away nothing else. */
function isMeant({ effect, actions }: RuleWords, deed: Deed): boolean {
  return actions.includes(deed) || (effect === "allow" && actions.includes("admin"));
}

function isWithin(standing: Standing, deed: Deed, repository: string): boolean {
  return !("limits" in standing) || allOf(standing.limits).every((limits) => isGranted(limits, deed, repository));
}

function isListed(limits: LimitWords | undefined, repository: string): boolean {
  return allOf(limits).every((each) => each.catalog === "all" || isGranted(each, "pull", repository));
}

function listsNothing(limits: LimitWords | undefined): boolean {
  return allOf(limits).some(({ catalog }) => catalog === "none");
}

function allOf(limits: LimitWords | undefined): readonly LimitWords[] {
  return limits === undefined ? [] : [limits, ...allOf(limits.within)];
}

function isGranted({ grants }: LimitWords, deed: Deed, repository: string): boolean {
  return grants.some(
    ({ repositories: about, actions }) =>
      (actions.includes(deed) || actions.includes("admin")) && formOfNames(about).test(repository),
  );
}

/** Who has the password alone may make what is as good as it. */
function answerAboutKeys(
  standing: Standing & { readonly kind: "person" | "nobody" },
  whenAllowed: () => Expected,
): Expected {
  if (standing.kind === "nobody" || standing.shows === "token") return unauthorized;
  return standing.shows === undefined ? whenAllowed() : denied;
}

type Place =
  | { readonly kind: "endpoint"; readonly need: Need; readonly name: string }
  | { readonly kind: "wrong-method"; readonly need?: undefined }
  | { readonly kind: "unknown"; readonly need?: undefined };

function withoutEndpoint({ kind }: Place): Expected {
  return kind === "unknown" ? { status: 404, code: "NAME_UNKNOWN" } : { status: 405, code: "UNSUPPORTED" };
}

/** Every pattern as a regular expression; a fixed path is asked first, and of the others the one with the longest end. */
const places = [...new Set(Object.keys(needs).map((key) => key.slice(key.indexOf(" ") + 1)))]
  .toSorted((one, other) => Number(one.includes("{")) - Number(other.includes("{")) || other.length - one.length)
  .map((pattern) => ({ pattern, form: formOf(pattern) }));

function formOf(pattern: string): RegExp {
  const parts = pattern.split(/(\{[a-z]+\})/).map((part) => {
    if (part === "{name}") return "(?<name>.*)";
    return part.startsWith("{") ? "[^/]+" : part.replaceAll(".", "\\.");
  });
  return new RegExp(`^${parts.join("")}$`);
}

function placeOf(method: string, path: string): Place {
  const found = places.find(({ form }) => form.test(path));
  if (found === undefined) return { kind: "unknown" };
  const need = needs[`${method === "HEAD" ? "GET" : method} ${found.pattern}`];
  if (need === undefined) return { kind: "wrong-method" };
  return { kind: "endpoint", need, name: found.form.exec(path)?.groups?.["name"] ?? "" };
}

function isName(text: string): boolean {
  return text.split("/").every((part) => /^[a-z0-9]+([._-][a-z0-9]+)*$/.test(part));
}

const formsOfNames = new Map<string, RegExp>();

function formOfNames(pattern: string): RegExp {
  const form = formsOfNames.get(pattern) ?? makeFormOfNames(pattern);
  formsOfNames.set(pattern, form);
  return form;
}

/** `**` is any number of whole parts, but at least one; `*` any letters within a part. */
function makeFormOfNames(pattern: string): RegExp {
  const parts = pattern.split("/").map((part) => {
    if (part === "**") return ".+";
    return part.replaceAll(/[.*]/g, (mark) => (mark === "*" ? "[^/]*" : "\\."));
  });
  return new RegExp(`^${parts.join("/")}$`);
}
