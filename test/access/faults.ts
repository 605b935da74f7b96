import { linkSync, readdirSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import type { Case } from "./cases.ts";
import { sourceFolder } from "./source.ts";

/** A check taken out of the code: a text of a file, and what stands in its place. */
export interface Fault {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** Where the fault can be seen; the matrix asks nothing else of it. */
  readonly isAsked?: (asked: Case) => boolean;
  /** Who sees it; everybody is asked where it is not said. */
  readonly seenBy?: string;
  /** It can be seen only where nothing is open to strangers. */
  readonly isOfClosed?: true;
}

const method =
  (...methods: readonly string[]): ((asked: Case) => boolean) =>
  (asked) =>
    methods.includes(asked.method);

/** Each is one check that somebody could forget. */
export const faults: readonly Fault[] = [
  {
    name: "nobody decides about repositories",
    file: "api/api.ts",
    find: "  assertAllowed(parts, caller, route.action, repository);\n",
    replace: "",
  },
  {
    name: "nobody decides about HEAD",
    file: "api/api.ts",
    find: "  assertAllowed(parts, caller, route.action, repository);\n",
    replace: '  if (request.method !== "HEAD") assertAllowed(parts, caller, route.action, repository);\n',
    isAsked: method("HEAD"),
  },
  {
    name: "lists and logins are open to strangers",
    file: "api/api.ts",
    find: "    assertAllowed(parts, caller, route.action, undefined);\n    return route.handler(parts, { ...call, caller });",
    replace: "    return route.handler(parts, { ...call, caller });",
    isAsked: method("GET"),
    seenBy: "nobody",
  },
  {
    name: "whoever is logged in administers the registry",
    file: "api/api.ts",
    find: "    assertAllowed(parts, caller, route.action, undefined);\n    return route.handler(parts, { ...call, caller, principal",
    replace: "    return route.handler(parts, { ...call, caller, principal",
    isAsked: method("GET"),
    seenBy: "alice by password",
  },
  {
    name: "who has the rules of a repository has those of others",
    file: "api/v1/rules.ts",
    find: "id === parameter && about === repository",
    replace: "id === parameter && about !== undefined",
    isAsked: method("DELETE"),
  },
  {
    name: "admin of a repository is admin of all",
    file: "core/policy.ts",
    find: "if (!isAbout(rule.subject) || !matchesRepository(rule.repositories, repository)) continue;",
    replace:
      'if (!isAbout(rule.subject) || (action !== "admin" && !matchesRepository(rule.repositories, repository))) continue;',
    seenBy: "rita by password",
  },
  {
    name: "what is no endpoint is told to strangers",
    file: "api/api.ts",
    find: 'if (target.path.startsWith("/v2/"))',
    replace: 'if (target.path.startsWith("/v2//"))',
    seenBy: "nobody",
  },
  {
    name: "two Authorization headers are taken for one",
    file: "api/identify.ts",
    find: 'if (authorization?.includes(",") === true)',
    replace: 'if (authorization?.includes(",,") === true)',
    isAsked: method("GET"),
    seenBy: "two passwords at once",
  },
  {
    name: "to push is enough to delete a blob",
    file: "api/routes.ts",
    find: 'pattern: blob,\n    action: "delete"',
    replace: 'pattern: blob,\n    action: "push"',
    isAsked: method("DELETE"),
    seenBy: "carol by password",
  },
  {
    name: "a method in a header counts",
    file: "api/api.ts",
    find: "    const { method, headers } = request;",
    replace:
      '    const { headers } = request;\n    const method = headers.get("x-http-method-override") ?? request.method;',
  },
  {
    name: "a rule that denies is passed over",
    file: "core/policy.ts",
    find: 'if (rule.actions.includes(action)) return { verdict: "denied", rule };',
    replace: "",
    seenBy: "alice by password",
  },
  {
    name: "a rule about one is about all",
    file: "core/policy.ts",
    find: 'if (subject.kind === "principal") return subject.id === id;',
    replace: 'if (subject.kind === "principal") return true;',
    seenBy: "alice by password",
  },
  {
    name: "groups of one name are one group",
    file: "core/policy.ts",
    find: "one.name === other.name && one.source === other.source",
    replace: "one.name === other.name",
    seenBy: "gil by password",
  },
  {
    name: "a star goes over slashes",
    file: "core/repository-pattern.ts",
    find: 'if (part === "**") next.add(place);',
    replace: "next.add(place);",
    seenBy: "alice by password",
  },
  {
    name: "strangers may what everyone may who is logged in",
    file: "core/policy.ts",
    find: 'byRules(rules, ({ kind }) => kind === "anonymous", "pull", repository);\n  return decision.verdict',
    replace: 'byRules(rules, ({ kind }) => kind !== "principal", "pull", repository);\n  return decision.verdict',
    isAsked: method("GET"),
    seenBy: "nobody",
  },
  {
    name: "a mount asks nothing of its source",
    file: "api/distribution/uploads.ts",
    find: 'decide(caller, "pull", source).verdict === "allowed"',
    replace: "decide !== undefined",
    isAsked: method("POST"),
    seenBy: "alice by password",
  },
  {
    name: "a mount from anywhere asks nothing of its sources",
    file: "registry/uploads.ts",
    find: "sources.filter(request.mayPullFrom)",
    replace: "sources.filter((each) => request.from === undefined || request.mayPullFrom(each))",
    isAsked: method("POST"),
  },
  {
    name: "an upload is anybody's",
    file: "registry/uploads.ts",
    find: "if (session?.startedBy !== principal.id)",
    replace: "if (session === undefined)",
    isAsked: method("GET", "PATCH"),
  },
  {
    name: "to push is enough to move a tag",
    file: "api/distribution/manifests.ts",
    find: 'decide(caller, "overwrite", repository).verdict === "allowed"',
    replace: 'decide(caller, "push", repository).verdict === "allowed"',
    isAsked: method("PUT"),
    seenBy: "carol by password",
  },
  {
    name: "only the first of several tags is looked at",
    file: "storage/memory/metadata-store.ts",
    find: "for (const tag of put.tags) checkTag(",
    replace: "for (const tag of put.tags.slice(0, 1)) checkTag(",
    isAsked: method("PUT"),
    seenBy: "carol by password",
  },
  {
    name: "the catalog shows all",
    file: "registry/catalog.ts",
    find: "if (!isVisible(name)) continue;",
    replace: "",
    isAsked: (asked) => asked.list !== undefined,
    seenBy: "alice by password",
  },
  {
    name: "the search shows all",
    file: "registry/catalog.ts",
    find: "names.filter(isVisible)",
    replace: "names",
    isAsked: (asked) => asked.list !== undefined,
    seenBy: "alice by password",
  },
  {
    name: "a blob is looked for everywhere",
    file: "storage/memory/metadata-store.ts",
    find: "const leasedUntil = found?.blobs.get(digest);\n    if (found === undefined || blob",
    replace: "const leasedUntil = Number.MAX_SAFE_INTEGER;\n    if (found === undefined || blob",
    isAsked: method("GET", "POST"),
  },
  {
    name: "the memory of blobs knows no repositories",
    file: "storage/cache/metadata-store.ts",
    find: "function blobKey(repository: RepositoryName, digest: Digest): string {\n  return `${repository}#${digest}`;",
    replace: "function blobKey(repository: RepositoryName, digest: Digest): string {\n  return `${digest}`;",
    isAsked: method("GET"),
  },
  {
    name: "what the client has is not asked for",
    file: "api/distribution/blobs.ts",
    find: "  const record = await blobs.stat(repository, digest);\n",
    replace:
      '  if (isNotModified(request.headers.get("if-none-match"), digest)) return emptyAnswer(304);\n  const record = await blobs.stat(repository, digest);\n',
    isAsked: method("GET"),
  },
  {
    name: "what is there is asked for first",
    file: "api/api.ts",
    find: "  assertAllowed(parts, caller, route.action, repository);\n",
    replace:
      '  if (route.action === "pull" && parameter === "") await parts.tags.list(repository, { limit: 1, last: undefined });\n  assertAllowed(parts, caller, route.action, repository);\n',
    isAsked: method("GET"),
    seenBy: "alice by password",
  },
  {
    name: "a password of before is remembered",
    file: "auth/authenticate.ts",
    find: "accounts.changesOf(name) === changes &&",
    replace: "accounts.changesOf(name) >= changes &&",
    isAsked: method("GET"),
    seenBy: "alice by the password of before",
  },
  {
    name: "a token is good for all that its holder may",
    file: "core/policy.ts",
    find: "return limits.grants.some(",
    replace: "return true || limits.grants.some(",
    seenBy: "alice by a token to pull one",
  },
  {
    name: "a token for other things lists repositories",
    file: "core/policy.ts",
    find: 'return limits.catalog !== "none";',
    replace: "return true;",
    seenBy: "alice by a token for nothing",
  },
  {
    name: "a token to list repositories is good for them",
    file: "core/policy.ts",
    find: 'if (action === "see" && limits.catalog === "all") return true;',
    replace: 'if (limits.catalog === "all") return true;',
    seenBy: "alice by a token to list",
  },
  {
    name: "a token that was good stays so",
    file: "auth/tokens/access-tokens.ts",
    find: "if (ageSeconds > lifeSeconds + leewaySeconds)",
    replace: "if (ageSeconds > Infinity)",
    seenBy: "a token that has ended",
    isAsked: method("GET"),
  },
  {
    name: "a token outlives the password that it was had with",
    file: "auth/tokens/token-holders.ts",
    find: "if (this.#hidden(current) !== version)",
    replace: 'if (version === "")',
    seenBy: "a token of a password that was changed",
    isAsked: method("GET"),
  },
  {
    name: "a certificate stays good when it was revoked",
    file: "auth/client-certificates.ts",
    find: "if (issued.revokedAt !== undefined)",
    replace: "if (issued.revokedAt === 0)",
    isAsked: method("GET"),
    seenBy: "a revoked certificate",
  },
  {
    name: "a certificate of another authority is an admin's",
    file: "auth/client-certificates.ts",
    find: "if (user.isAdmin && !found.mayBeAdmin)",
    replace: 'if (user.isAdmin && found.user === "")',
    isAsked: method("GET"),
    seenBy: "another authority's certificate for an admin",
  },
  {
    name: "a certificate and a password need not be one user's",
    file: "auth/authenticate.ts",
    find: "if (other === undefined || other.id === verdict.principal.id) return result;",
    replace: 'if (other !== undefined || verdict.principal.id !== "") return result;',
    isAsked: method("GET"),
    seenBy: "alice by certificate, with bob's password",
  },
  {
    name: "the registry's own login is good from everywhere",
    file: "auth/process-principals.ts",
    find: "if (credential === undefined || clientAddress === undefined || !isLoopback(clientAddress)) return undefined;",
    replace: 'if (credential === undefined || clientAddress === undefined || isLoopback("")) return undefined;',
    isAsked: method("GET"),
    seenBy: "a process from elsewhere",
  },
  {
    name: "an access key makes others",
    file: "core/policy.ts",
    find: '["password", "session"];',
    replace: '["password", "session", "key"];',
    isAsked: method("GET"),
    seenBy: "alice by access key",
  },
  {
    name: "whoever is logged in revokes everybody's access keys",
    file: "registry/audited.ts",
    find: 'reach: "own"',
    replace: 'reach: "all"',
    isAsked: method("DELETE"),
    seenBy: "bob by password",
  },
  {
    name: "a robot may more than its owner",
    file: "core/policy.ts",
    find: 'if (own.verdict !== "allowed" || principal.owner === undefined) return own;',
    replace: 'if (own.verdict !== "allowed" || principal.id !== "") return own;',
    isAsked: method("GET"),
    seenBy: "alices-bot by access key",
  },
  {
    name: "a robot may all that its owner may",
    file: "core/policy.ts",
    find: "const own = decideAlone(policy, principal, action, repository);",
    replace: "const own = decideAlone(policy, principal.owner ?? principal, action, repository);",
    seenBy: "roots-bot by access key",
  },
  {
    name: "an owner is asked without the groups",
    file: "core/policy.ts",
    find: "const groups = groupsOf(id);",
    replace: "const groups = isAdmin ? groupsOf(id) : [];",
    isAsked: method("GET"),
    seenBy: "gretas-bot by access key",
  },
  {
    name: "a robot goes on when it has ended",
    file: "auth/access-keys.ts",
    find: "if (isOver(principalExpiresAt, now))",
    replace: "if (isOver(principalExpiresAt, 0))",
    isAsked: method("GET"),
    seenBy: "a robot: ended",
  },
  {
    name: "a robot has the password of the htpasswd file",
    file: "auth/authenticate.ts",
    find: "const hash = isRobot ? undefined : htpasswd?.users.get(name);",
    replace: "const hash = isRobot === undefined ? undefined : htpasswd?.users.get(name);",
    isAsked: method("GET"),
    seenBy: "a robot by a password of the htpasswd file",
  },
  {
    name: "a key is good in every name",
    file: "auth/access-keys.ts",
    find: "if (userName === undefined || userName === principal.name) return undefined;",
    replace: 'if (userName !== "") return undefined;',
    isAsked: method("GET"),
    seenBy: "a robot's key in its owner's name",
  },
  {
    name: "a key goes on when it has ended",
    file: "auth/access-keys.ts",
    find: "if (isOver(expiresAt, now))",
    replace: "if (isOver(expiresAt, 0))",
    isAsked: method("GET"),
    seenBy: "an access key that has ended",
  },
  {
    name: "the id of a key is enough",
    file: "auth/access-keys.ts",
    find: "if (!timingSafeEqual(reading.digest, held?.digest ?? noDigest) || held === undefined)",
    replace: "if (held === undefined)",
    isAsked: method("GET"),
    seenBy: "an access key of which only the id is known",
  },
  {
    name: "the limits of a key are passed over",
    file: "core/policy.ts",
    find: 'if (decision.verdict !== "allowed" || isEnough(credential, action, repository)) return decision;',
    replace:
      'if (decision.verdict !== "allowed" || credential.kind === "key" || isEnough(credential, action, repository)) return decision;',
    seenBy: "root by a key to pull",
  },
  {
    name: "the limits of a key do not hold for its tokens",
    file: "auth/tokens/token-scope.ts",
    find: 'catalog: access.includes(catalogAccess) ? "all" : "none", within };',
    replace: 'catalog: access.includes(catalogAccess) ? "all" : "none", within: within && undefined };',
    seenBy: "root by a token that was had with a limited key",
  },
  {
    name: "a key for all repositories is one for the registry",
    file: "core/policy.ts",
    find: 'if (repository === undefined || action === "administer") return false;',
    replace: 'if (action === "administer") return true;\n  if (repository === undefined) return false;',
    isAsked: method("GET"),
    seenBy: "root by a key to administer repositories",
  },
  {
    name: "a list shows what a key may not pull",
    file: "core/policy.ts",
    find: 'if (action === "see" && limits.catalog === "all") return true;',
    replace: 'if (action === "see") return true;',
    isAsked: (asked) => asked.list !== undefined,
    seenBy: "root by a key to pull and push",
  },
  {
    name: "a token is given for all that is asked",
    file: "auth/tokens/token-service.ts",
    find: 'entry.actions.filter((action) => decide(caller, action, name).verdict === "allowed")',
    replace: 'entry.actions.filter((action) => decide(caller, action, name).verdict !== "login-needed")',
    isAsked: (asked) => asked.token !== undefined,
    seenBy: "alice by password",
  },
  {
    name: "a token is good for nothing in particular",
    file: "auth/tokens/token-scope.ts",
    find: "actions: repositoryActions.filter((action) => actions.has(action)) };",
    replace: "actions: repositoryActions.filter((action) => actions.has(action) || actions.size > 1) };",
    isAsked: (asked) => asked.token !== undefined,
    seenBy: "hugo by password",
  },
  {
    name: "strangers get tokens where nothing is open to them",
    file: "api/docker/token.ts",
    find: 'if (caller.principal === undefined && decide(caller, "catalog").verdict !== "allowed")',
    replace: 'if (caller.principal === undefined && decide(caller, "none").verdict !== "allowed")',
    isAsked: (asked) => asked.token !== undefined,
    seenBy: "nobody",
    isOfClosed: true,
  },
  {
    name: "a token fetches a token",
    file: "auth/tokens/token-holders.ts",
    find: 'if (credential.kind !== "password" || source === "process") return undefined;',
    replace: 'if (source === "process") return undefined;',
    isAsked: (asked) => asked.token !== undefined,
    seenBy: "alice by a token to pull one",
  },
  {
    name: "a form for a token may come with another login",
    file: "api/docker/token.ts",
    find: 'if (call.request.headers.has("authorization"))',
    replace: 'if (call.request.headers.has("proxy-authorisation"))',
    isAsked: (asked) => asked.path === "/token",
    seenBy: "bob by password",
  },
  {
    name: "a secret may stand in the address",
    file: "api/docker/token.ts",
    find: "if (secretParameters.some((name) => query.has(name)))",
    replace: "if (secretParameters.every((name) => query.has(name)))",
    isAsked: (asked) => asked.path === "/token" || asked.token !== undefined,
    seenBy: "nobody with a query",
  },
  {
    name: "a refresh token and a certificate may be two users'",
    file: "api/docker/token.ts",
    find: "if (shown?.principal === undefined || shown.principal.id === caller.principal?.id) return caller;",
    replace: "if (shown !== null) return caller;",
    isAsked: (asked) => asked.path === "/token",
    seenBy: "alice by certificate",
  },
  {
    name: "a refresh token outlives the login that it was had with",
    file: "api/docker/token.ts",
    find: "const caller = call.admit(await tokens.redeem(refreshToken));",
    replace:
      'const redeemed = await tokens.redeem(refreshToken);\n  const admin = { id: "x", name: "root", isAdmin: true, kind: "user", source: "dozo" } as never;\n  const caller = typeof redeemed === "string" && redeemed.includes("password") ? { principal: admin, credential: { kind: "password" as const } } : call.admit(redeemed);',
    isAsked: (asked) => asked.path === "/token",
    seenBy: "nobody",
  },
  {
    name: "a session is a login everywhere",
    file: "api/routes.ts",
    find: 'pattern: "/api/v1/users", action: "administer", ...users.list',
    replace: 'pattern: "/api/v1/users", action: "administer", identify: bySession, ...users.list',
    isAsked: method("GET"),
    seenBy: "root logged in on a page",
  },
  {
    name: "a page of another site changes things",
    file: "api/api.ts",
    find: "if (changesThings(request.method) && isFromForeignPage(request.headers))",
    replace: 'if (request.method === "" && isFromForeignPage(request.headers))',
    isAsked: method("POST"),
    seenBy: "root by password on a page of another site",
  },
  {
    name: "a neighbour's page is one of ours",
    file: "http/browser-request.ts",
    find: 'if (site !== null) return site !== "same-origin" && site !== "none";',
    replace: 'if (site !== null) return site === "cross-site";',
    isAsked: method("POST"),
    seenBy: "root on a page of a neighbour",
  },
  {
    name: "an Origin of nowhere is one of ours",
    file: "http/browser-request.ts",
    find: 'return origin !== null && hostOf(origin) !== headers.get("host")?.toLowerCase();',
    replace: 'return origin !== null && (hostOf(origin) ?? "registry.test") !== headers.get("host")?.toLowerCase();',
    isAsked: method("POST"),
    seenBy: "root on a page of nowhere",
  },
  {
    name: "who says nothing of pages sends forms",
    file: "api/web/browser.ts",
    find: "if (!comesFromOwnPage(headers) || secrets.length === 0)",
    replace: "if (secrets.length === 0)",
    isAsked: method("POST"),
    seenBy: "root's browser, which says nothing of pages",
  },
  {
    name: "a form needs no token",
    file: "api/web/browser.ts",
    find: "if (!secrets.some((secret) => secret !== undefined && sessions.isFormOf(secret, token)))",
    replace:
      'if (!secrets.some((secret) => secret !== undefined && (token === "" || sessions.isFormOf(secret, token))))',
    isAsked: method("POST"),
    seenBy: "root logged in on a page",
  },
  {
    name: "a form's token is any text",
    file: "auth/sessions.ts",
    find: "return timingSafeEqual(sha256(token), sha256(this.formTokenOf(secret)));",
    replace: "return !timingSafeEqual(sha256(token), sha256(secret));",
    isAsked: method("POST"),
    seenBy: "root logged in on a page",
  },
  {
    name: "two cookies are taken for one",
    file: "http/cookie.ts",
    find: "return pair === undefined || others.length > 0 ? undefined : pair.slice(prefix.length);",
    replace: "return pair === undefined || others.length > 9 ? undefined : pair.slice(prefix.length);",
    isAsked: method("GET"),
    seenBy: "a session in two cookies",
  },
  {
    name: "a session goes on when the password has changed",
    file: "auth/sessions.ts",
    find: "return isInTime && this.#options.versionOf(principal.name) === version;",
    replace: "return isInTime && this.#options.versionOf(principal.name) >= version;",
    isAsked: method("GET"),
    seenBy: "a session of the password of before",
  },
  {
    name: "a session goes on though nobody uses it",
    file: "auth/sessions.ts",
    find: " && now < usedAt + idleMs;",
    replace: " && now < usedAt + lifetimeMs;",
    isAsked: method("GET"),
    seenBy: "a session that lay idle",
  },
  {
    name: "a session goes on for ever",
    file: "auth/sessions.ts",
    find: "now < begunAt + lifetimeMs",
    replace: "now < begunAt + 9 * lifetimeMs",
    isAsked: method("GET"),
    seenBy: "a session of yesterday",
  },
  {
    name: "a session goes on when it was ended",
    file: "auth/sessions.ts",
    find: "  end(id: string): void {\n    this.#kept.delete(keyOf(id));",
    replace: "  end(id: string): void {\n    this.#kept.delete(id);",
    isAsked: method("GET"),
    seenBy: "a session that was ended",
  },
  {
    name: "a key logs in on a page",
    file: "api/web/login.ts",
    find: 'if (credential.kind !== "password")',
    replace: 'if (credential.kind === "none")',
    isAsked: method("POST"),
    seenBy: "alice logged in on a page",
  },
  {
    name: "whoever is logged in on a page revokes anybody's keys",
    file: "registry/key-administration.ts",
    find: 'return actor.reach === "all" || id === actor.id || owner?.id === actor.id;',
    replace: 'return actor.reach === "all" || id !== "" || owner?.id === actor.id;',
    isAsked: method("POST"),
    seenBy: "alice logged in on a page",
  },
];

/** Copies the sources to where copies with faults can be made of them, for as long as `work` takes. */
export async function copySources(): Promise<{ readonly copy: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "dozo-faults-"));
  const copy = join(folder, "src");
  for (const file of sourceFiles) {
    await mkdir(dirname(join(copy, file)), { recursive: true });
    await copyFile(join(sourceFolder, file), join(copy, file));
  }
  return { copy, remove: () => rm(folder, { recursive: true }) };
}

/** A copy of the sources with the fault in it, for as long as `work` takes. Fails where the code is not as the fault has it. */
export async function withFault<Result>(
  fault: Fault,
  copy: string,
  work: (folder: string) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(dirname(copy), "fault-"));
  try {
    await linkSources(folder, copy);
    const path = join(folder, "src", fault.file);
    const text = await readFile(path, "utf8");
    if (text.split(fault.find).length !== 2)
      throw new Error(
        `${fault.file} does not have this once, so the fault "${fault.name}" has to be written anew:\n${fault.find}`,
      );
    await rm(path);
    await writeFile(
      path,
      text.replace(fault.find, () => fault.replace),
    );
    return await work(join(folder, "src"));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The files of the sources, without tests. */
const sourceFiles: readonly string[] = readdirSync(sourceFolder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && !/\.(test|contract)\.ts$/.test(entry.name))
  .map((entry) => relative(sourceFolder, join(entry.parentPath, entry.name)));

/** Links to one copy, which are modules of their own all the same. The packages are those of the registry itself. */
async function linkSources(folder: string, copy: string): Promise<void> {
  const root = dirname(sourceFolder);
  for (const each of new Set(sourceFiles.map((file) => dirname(file))))
    await mkdir(join(folder, "src", each), { recursive: true });
  for (const file of sourceFiles) linkSync(join(copy, file), join(folder, "src", file));
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  await copyFile(join(root, "package.json"), join(folder, "package.json"));
}
