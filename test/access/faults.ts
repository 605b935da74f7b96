import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
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
  },
  {
    name: "a rule about one is about all",
    file: "core/policy.ts",
    find: 'if (subject.kind === "principal") return subject.id === id;',
    replace: 'if (subject.kind === "principal") return true;',
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
  },
  {
    name: "only the first of several tags is looked at",
    file: "storage/memory/metadata-store.ts",
    find: "for (const tag of put.tags) checkTag(",
    replace: "for (const tag of put.tags.slice(0, 1)) checkTag(",
    isAsked: method("PUT"),
  },
  {
    name: "the catalog shows all",
    file: "registry/catalog.ts",
    find: "if (!isVisible(name)) continue;",
    replace: "",
    isAsked: (asked) => asked.list !== undefined,
  },
  {
    name: "the search shows all",
    file: "registry/catalog.ts",
    find: "names.filter(isVisible)",
    replace: "names",
    isAsked: (asked) => asked.list !== undefined,
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
];

/** A copy of the sources with the fault in it, for as long as `work` takes. Fails where the code is not as the fault has it. */
export async function withFault<Result>(fault: Fault, work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), "dozo-fault-"));
  try {
    await copySources(folder);
    const path = join(folder, "src", fault.file);
    const text = await readFile(path, "utf8");
    if (text.split(fault.find).length !== 2)
      throw new Error(
        `${fault.file} does not have this once, so the fault "${fault.name}" has to be written anew:\n${fault.find}`,
      );
    await writeFile(
      path,
      text.replace(fault.find, () => fault.replace),
    );
    return await work(join(folder, "src"));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The packages are those of the registry itself. */
async function copySources(folder: string): Promise<void> {
  const root = dirname(sourceFolder);
  await mkdir(folder, { recursive: true });
  await cp(sourceFolder, join(folder, "src"), {
    recursive: true,
    filter: (path) => !/\.(test|contract)\.ts$/.test(path),
  });
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  await cp(join(root, "package.json"), join(folder, "package.json"));
}
