import type { Digest } from "../../src/core/digest.ts";
import { mediaTypes } from "../../src/core/media-type.ts";
import { common, type Content, contentIn, contentOf, imageOf, indexOf, latest, nowhere } from "./content.ts";
import type { Expected, Standing } from "./oracle.ts";
import { scopeQuery, tokensByForm } from "./token-cases.ts";
import { type Deed, repositories } from "./words.ts";

/** What one who asks may meet by an id. */
export interface Things {
  /** Begun by the asker in the repository in question. */
  readonly own: string;
  /** Begun by the asker in another repository. */
  readonly elsewhere: string;
  /** Begun by somebody else in the repository in question. */
  readonly others: string;
  /** A rule about a repository that no case is about. */
  readonly ruleElsewhere: string;
  /** The access key of a robot of the registry's own. */
  readonly keyElsewhere: string;
  /** What a page of the asker's session has in its forms; empty where the asker has no browser. */
  readonly formToken: string;
  /** The id of an access key that is not for the asker. */
  readonly othersKey: string;
  readonly secrets: Secrets;
}

/** What stands in the body of a request for a token. */
export interface Secrets {
  readonly passwordOf: (name: string) => string;
  /** Refresh tokens: of somebody, by name, or of what is nothing any more. */
  readonly refreshTokens: ReadonlyMap<string, string>;
  /** Access keys. */
  readonly limitedKey: string;
}

/** What of who asks matters where it is not the rules that decide. */
interface Asking {
  readonly standing: Standing;
  readonly headers: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly certificate?: object;
}

/** A request, and what comes of it where nothing speaks against it. */
export interface Case {
  readonly what: string;
  readonly method: string;
  readonly path: string | ((things: Things) => string);
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | ((things: Things) => string);
  readonly repository?: string;
  /** By what is stored alone; `may` says what else the asker is allowed. */
  readonly whenAllowed: (may: (deed: Deed, repository: string) => boolean, asking: Asking) => Expected;
  /** Cases of one repository with the same word differ only in what they may not tell. */
  readonly twin?: string;
  /** Its answer lists repositories. */
  readonly list?: "catalog" | "search";
  /** Its answer is a token: for whom, where that is not the asker. */
  readonly token?: Standing | "of the asker";
}

export type Draft = Omit<Case, "method" | "repository">;

const always =
  (status: number, code?: string): Case["whenAllowed"] =>
  () =>
    code === undefined ? { status } : { status, code };

const uploaded = contentOf("bytes that somebody uploads");
const fromNowhere = "a form from nowhere";
const unknownId = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

/** The name of another repository that has something: what of it must not be told. */
function otherThan(repository: string): string {
  return repository === "a/app" ? "b/app" : "a/app";
}

function isThere(repository: string): boolean {
  return repositories.some(({ name, exists }) => exists && name === repository);
}

/** For each row of the table that is about a repository: what is asked of one. */
const aboutRepository: Readonly<Record<string, (repository: string) => readonly Draft[]>> = {
  "GET /v2/{name}/blobs/{digest}": (repository) => readBlob(repository),
  "DELETE /v2/{name}/blobs/{digest}": (repository) => {
    const { layer } = contentIn(repository);
    return [
      blobCase(repository, "a blob of its own", layer.digest, isThere(repository) ? 202 : 404),
      blobCase(repository, "a blob of another", contentIn(otherThan(repository)).layer.digest, 404),
      blobCase(repository, "a blob of nobody", nowhere.digest, 404),
    ];
  },
  "GET /v2/{name}/manifests/{reference}": (repository) => {
    const { image, ownTag } = contentIn(repository);
    const there = isThere(repository) ? 200 : 404;
    const other = contentIn(otherThan(repository));
    return [
      manifestCase(repository, "a tag", latest, there),
      manifestCase(repository, "a tag that it alone has", ownTag, there),
      manifestCase(repository, "a manifest", image.digest, there),
      { ...manifestCase(repository, "a tag of another", other.ownTag, 404), twin: "no such tag" },
      { ...manifestCase(repository, "a tag of nobody", sameLength("none", other.ownTag), 404), twin: "no such tag" },
      { ...manifestCase(repository, "a manifest of another", other.image.digest, 404), twin: "no such manifest" },
      { ...manifestCase(repository, "a manifest of nobody", nowhere.digest, 404), twin: "no such manifest" },
      { ...manifestCase(repository, "no tag", "-x", 400), whenAllowed: always(400, "TAG_INVALID") },
    ];
  },
  "PUT /v2/{name}/manifests/{reference}": (repository) => putManifest(repository),
  "DELETE /v2/{name}/manifests/{reference}": (repository) => {
    const { image } = contentIn(repository);
    const there = isThere(repository) ? 202 : 404;
    return [
      manifestCase(repository, "a tag", latest, there),
      manifestCase(repository, "a manifest", image.digest, there),
      manifestCase(repository, "a manifest of another", contentIn(otherThan(repository)).image.digest, 404),
      manifestCase(repository, "a tag of nobody", "none", 404),
    ];
  },
  "POST /v2/{name}/blobs/uploads/": (repository) => beginUpload(repository),
  "GET /v2/{name}/blobs/uploads/{id}": (repository) => onUpload(repository, 204),
  "PATCH /v2/{name}/blobs/uploads/{id}": (repository) =>
    onUpload(repository, 202).map((draft) => ({ ...draft, body: "some" })),
  "PUT /v2/{name}/blobs/uploads/{id}": (repository) =>
    onUpload(repository, 201, `?digest=${uploaded.digest}`).map((draft) => ({ ...draft, body: uploaded.text })),
  "DELETE /v2/{name}/blobs/uploads/{id}": (repository) => onUpload(repository, 204),
  "GET /v2/{name}/tags/list": (repository) => [
    {
      what: "the tags",
      path: `/v2/${repository}/tags/list`,
      whenAllowed: isThere(repository) ? always(200) : always(404, "NAME_UNKNOWN"),
    },
  ],
  "GET /v2/{name}/referrers/{digest}": (repository) => {
    const at = (what: string, digest: Digest): Draft => {
      return { what, path: `/v2/${repository}/referrers/${digest}`, whenAllowed: always(200) };
    };
    const other = at("what refers to an image of another", contentIn(otherThan(repository)).image.digest);
    return [
      at("what refers to its image", contentIn(repository).image.digest),
      { ...other, twin: "no referrer" },
      { ...at("what refers to nothing", nowhere.digest), twin: "no referrer" },
    ];
  },
  "GET /api/v1/repositories/{name}/rules": (repository) => [
    { what: "its rules", path: `/api/v1/repositories/${repository}/rules`, whenAllowed: always(200) },
  ],
  "POST /api/v1/repositories/{name}/rules": (repository) => [
    {
      what: "a rule about nobody",
      path: `/api/v1/repositories/${repository}/rules`,
      ...json({ effect: "allow", who: "zoe", actions: ["pull"] }),
      whenAllowed: always(404, "USER_UNKNOWN"),
    },
  ],
  // API-03: the right to a repository's rules is none to those of another.
  "DELETE /api/v1/repositories/{name}/rules/{rule}": (repository) => {
    const at = (what: string, idOf: (things: Things) => string): Draft => ({
      what,
      path: (things) => `/api/v1/repositories/${repository}/rules/${idOf(things)}`,
      whenAllowed: always(404, "RULE_UNKNOWN"),
      twin: "no such rule",
    });
    return [
      at("a rule about another repository", ({ ruleElsewhere }) => ruleElsewhere),
      at("a rule that nobody made", () => unknownId),
    ];
  },
};

/** The other rows: what is asked, whoever asks. */
const aboutRegistry: Readonly<Record<string, readonly Draft[]>> = {
  "GET /v2/": [{ what: "the version", path: "/v2/", whenAllowed: always(200) }],
  "GET /v2/_catalog": [{ what: "the catalog", path: "/v2/_catalog", whenAllowed: always(200), list: "catalog" }],
  "GET /v1/search": [{ what: "a search", path: "/v1/search?q=&n=100", whenAllowed: always(200), list: "search" }],
  "GET /v1/_ping": [{ what: "the ping", path: "/v1/_ping", whenAllowed: always(200) }],
  "GET /token": [
    {
      what: "a token",
      path: `/token?service=dozo&${scopeQuery}`,
      whenAllowed: always(200),
      token: "of the asker",
    },
  ],
  "POST /token": [
    {
      what: "a token for an application",
      path: "/token",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: "grant_type=client_credentials",
      whenAllowed: always(400, "UNSUPPORTED"),
    },
    ...tokensByForm(),
  ],
  "GET /": [{ what: "the front page", path: "/", whenAllowed: always(200) }],
  "GET /ca.crt": [{ what: "the authority", path: "/ca.crt", whenAllowed: always(200) }],
  // The registry of the matrix has no address to enrol for.
  "GET /enroll": [{ what: "the enrolment page", path: "/enroll", whenAllowed: always(404, "NAME_UNKNOWN") }],
  "GET /enroll/line": [{ what: "the enrolment line", path: "/enroll/line", whenAllowed: always(404, "NAME_UNKNOWN") }],
  "GET /enroll.sh": [{ what: "the script", path: "/enroll.sh", whenAllowed: always(404, "NAME_UNKNOWN") }],
  "GET /enroll.ps1": [{ what: "the other script", path: "/enroll.ps1", whenAllowed: always(404, "NAME_UNKNOWN") }],
  // What would change something is asked so that it changes nothing where it is allowed, either.
  "GET /api/v1/users": [{ what: "the users", path: "/api/v1/users", whenAllowed: always(200) }],
  "POST /api/v1/users": [
    {
      what: "a user that is there",
      path: "/api/v1/users",
      ...json({ name: "alice", password: "a password that is long", isAdmin: true }),
      whenAllowed: always(409, "USER_EXISTS"),
    },
  ],
  "PUT /api/v1/users/{user}": [
    {
      what: "a password for nobody",
      path: "/api/v1/users/zoe",
      ...json({ password: "a password that is long" }),
      whenAllowed: always(404, "USER_UNKNOWN"),
    },
  ],
  "DELETE /api/v1/users/{user}": [
    { what: "a user of nobody", path: "/api/v1/users/zoe", whenAllowed: always(404, "USER_UNKNOWN") },
  ],
  "GET /api/v1/groups": [{ what: "the groups", path: "/api/v1/groups", whenAllowed: always(200) }],
  "POST /api/v1/groups": [
    {
      what: "a group that means many",
      path: "/api/v1/groups",
      ...json({ name: "everyone" }),
      whenAllowed: always(400, "NAME_INVALID"),
    },
  ],
  "DELETE /api/v1/groups/{group}": [
    { what: "a group of nobody", path: "/api/v1/groups/zoe", whenAllowed: always(404, "GROUP_UNKNOWN") },
  ],
  "POST /api/v1/groups/{group}/join": [
    {
      what: "alice into a group of nobody",
      path: "/api/v1/groups/zoe/join",
      ...json({ members: ["alice"] }),
      whenAllowed: always(404, "GROUP_UNKNOWN"),
    },
  ],
  "POST /api/v1/groups/{group}/leave": [
    {
      what: "alice out of a group of nobody",
      path: "/api/v1/groups/zoe/leave",
      ...json({ members: ["alice"] }),
      whenAllowed: always(404, "GROUP_UNKNOWN"),
    },
  ],
  "GET /api/v1/robots": [{ what: "the robots", path: "/api/v1/robots", whenAllowed: always(200) }],
  "POST /api/v1/robots": [
    {
      what: "a robot of a user's name",
      path: "/api/v1/robots",
      ...json({ name: "alice", owner: "root" }),
      whenAllowed: always(409, "USER_EXISTS"),
    },
  ],
  "DELETE /api/v1/robots/{robot}": [
    { what: "a robot of nobody", path: "/api/v1/robots/zoe", whenAllowed: always(404, "ROBOT_UNKNOWN") },
  ],
  "GET /api/v1/keys": [{ what: "all access keys", path: "/api/v1/keys", whenAllowed: always(200) }],
  "POST /api/v1/keys": [
    {
      what: "an access key for nobody",
      path: "/api/v1/keys",
      ...json({ for: "zoe" }),
      whenAllowed: always(404, "USER_UNKNOWN"),
    },
  ],
  "DELETE /api/v1/keys/{key}": [
    { what: "an access key of nobody", path: `/api/v1/keys/${unknownId}`, whenAllowed: always(404, "KEY_UNKNOWN") },
  ],
  "GET /api/v1/me": [{ what: "who one is", path: "/api/v1/me", whenAllowed: always(200) }],
  "GET /api/v1/audit": [{ what: "the record", path: "/api/v1/audit", whenAllowed: always(200) }],
  "GET /api/v1/me/keys": [{ what: "one's own access keys", path: "/api/v1/me/keys", whenAllowed: always(200) }],
  "POST /api/v1/me/keys": [
    {
      what: "an access key for longer than there are any",
      path: "/api/v1/me/keys",
      ...json({ lifetimeSeconds: 1_000_000_000 }),
      whenAllowed: always(400, "KEY_INVALID"),
    },
    {
      what: "an access key for somebody else",
      path: "/api/v1/me/keys",
      ...json({ for: "root" }),
      whenAllowed: always(400, "BODY_INVALID"),
    },
  ],
  "DELETE /api/v1/me/keys/{key}": [
    {
      what: "an access key of somebody else",
      path: ({ keyElsewhere }) => `/api/v1/me/keys/${keyElsewhere}`,
      whenAllowed: always(404, "KEY_UNKNOWN"),
      twin: "no such key",
    },
    {
      what: "an access key that nobody has",
      path: `/api/v1/me/keys/${unknownId}`,
      whenAllowed: always(404, "KEY_UNKNOWN"),
      twin: "no such key",
    },
  ],
  "GET /api/v1/rules": [{ what: "the rules", path: "/api/v1/rules", whenAllowed: always(200) }],
  "POST /api/v1/rules": [
    {
      what: "a rule about nobody",
      path: "/api/v1/rules",
      ...json({ effect: "allow", who: "zoe", actions: ["pull"], repositories: "**" }),
      whenAllowed: always(404, "USER_UNKNOWN"),
    },
  ],
  "DELETE /api/v1/rules/{rule}": [
    { what: "a rule that nobody made", path: `/api/v1/rules/${unknownId}`, whenAllowed: always(404, "RULE_UNKNOWN") },
  ],
  "POST /api/v1/access": [
    {
      what: "what alice may",
      path: "/api/v1/access",
      ...json({ who: "alice", action: "pull", repository: "a/app" }),
      whenAllowed: always(200),
    },
  ],
  "GET /login": [{ what: "the login page", path: "/login", whenAllowed: bySession({ status: 303 }, always(200)) }],
  "POST /login": [
    pageForm("/login", "user=alice&password=x"),
    ownForm("/login", ({ secrets }) => `user=rita&password=${secrets.passwordOf("rita")}`, always(303)),
    {
      ...ownForm("/login", ({ secrets }) => `user=root&password=${secrets.limitedKey}`, always(403, "DENIED")),
      what: "a login with an access key",
    },
  ],
  "POST /logout": [pageForm("/logout", ""), ownForm("/logout", () => "", always(303))],
  "GET /login/oidc": [{ what: "a company login", path: "/login/oidc", whenAllowed: always(404, "NAME_UNKNOWN") }],
  "GET /login/oidc/callback": [
    { what: "the end of one", path: "/login/oidc/callback?code=x&state=x", whenAllowed: always(404, "NAME_UNKNOWN") },
  ],
  "GET /keys": [
    {
      what: "the page of access keys",
      path: "/keys",
      // A browser that comes from elsewhere is led there by a page of the registry's own.
      whenAllowed: bySession({ status: 200 }, (_may, { standing }) => ({
        status: standing.browser?.page === "foreign" ? 200 : 303,
      })),
    },
  ],
  "POST /keys": [
    pageForm("/keys", "days=90"),
    // So that none is made.
    ownForm("/keys", () => "days=none", bySession({ status: 400 }, always(303))),
  ],
  "POST /keys/revoke": [
    pageForm("/keys/revoke", `id=${unknownId}`),
    {
      ...ownForm("/keys/revoke", () => `id=${unknownId}`, bySession({ status: 400 }, always(303))),
      twin: "no such key",
    },
    // API-03
    {
      ...ownForm("/keys/revoke", ({ othersKey }) => `id=${othersKey}`, bySession({ status: 400 }, always(303))),
      what: "a form about somebody else's key",
      twin: "no such key",
    },
  ],
  "GET /livez": [{ what: "the health", path: "/livez", whenAllowed: always(200) }],
};

/** What is asked of a row: undefined where nobody has said what that is. */
export function casesOf(
  row: { readonly method: string; readonly pattern: string },
  names: readonly string[],
): readonly Case[] | undefined {
  const key = `${row.method} ${row.pattern}`;
  const methods = row.method === "GET" ? ["GET", "HEAD"] : [row.method];
  const make = aboutRepository[key];
  if (make === undefined)
    return aboutRegistry[key]?.flatMap((draft) => methods.map((method) => ({ ...draft, method })));
  return names.flatMap((repository) =>
    make(repository).flatMap((draft) => methods.map((method) => ({ ...draft, method, repository }))),
  );
}

/** Where somebody is logged in at the browser, and where nobody is. */
function bySession(expected: Expected, otherwise: Case["whenAllowed"]): Case["whenAllowed"] {
  return (may, asking) => (asking.standing.browser?.session === undefined ? otherwise(may, asking) : expected);
}

/** As a page of the registry sends it, from its own place or from another; who has no browser has no such form. */
function ownForm(path: string, fields: (things: Things) => string, fromOwnPage: Case["whenAllowed"]): Draft {
  return {
    what: "a form of the page",
    path,
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: (things) => `token=${things.formToken}&${fields(things)}`,
    whenAllowed: (may, asking) =>
      asking.standing.browser?.page === "own" ? fromOwnPage(may, asking) : { status: 403, code: "DENIED" },
  };
}

/** Not from the registry's own pages: nobody gets that far. */
function pageForm(path: string, body: string): Draft {
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  return { what: fromNowhere, path, headers, body, whenAllowed: always(403, "DENIED") };
}

function json(document: object): Pick<Draft, "headers" | "body"> {
  return { headers: { "content-type": "application/json" }, body: JSON.stringify(document) };
}

function blobCase(repository: string, what: string, digest: Digest, status: number): Draft {
  const whenAllowed = status === 404 ? always(404, "BLOB_UNKNOWN") : always(status);
  const isAbsent = what.endsWith("another") || what.endsWith("nobody");
  const path = `/v2/${repository}/blobs/${digest}`;
  return { what, path, whenAllowed, ...(isAbsent ? { twin: "no such blob" } : {}) };
}

function manifestCase(repository: string, what: string, reference: string, status: number): Draft {
  const whenAllowed = status === 404 ? always(404, "MANIFEST_UNKNOWN") : always(status);
  return { what, path: `/v2/${repository}/manifests/${reference}`, whenAllowed };
}

/** LEAK-09: what the client says it has already must not be asked before what the repository has. */
function readBlob(repository: string): readonly Draft[] {
  const { layer } = contentIn(repository);
  const other = contentIn(otherThan(repository)).layer.digest;
  const there = isThere(repository);
  const unchanged = (what: string, digest: Digest, status: number): Draft => ({
    ...blobCase(repository, what, digest, status),
    headers: { "if-none-match": `"${digest}"` },
  });
  return [
    blobCase(repository, "a blob of its own", layer.digest, there ? 200 : 404),
    blobCase(repository, "a blob that all have", common.digest, there ? 200 : 404),
    blobCase(repository, "a blob of another", other, 404),
    blobCase(repository, "a blob of nobody", nowhere.digest, 404),
    unchanged("a blob of its own, if it changed", layer.digest, there ? 304 : 404),
    { ...unchanged("if it changed, a blob of another", other, 404), twin: "no such blob, if it changed" },
    { ...unchanged("if it changed, a blob of nobody", nowhere.digest, 404), twin: "no such blob, if it changed" },
    { ...blobCase(repository, "no digest", "sha256:x" as Digest, 400), whenAllowed: always(400, "DIGEST_INVALID") },
  ];
}

/** AUTHZ-04, AUTHZ-05 and LEAK-03 are among these. */
function putManifest(repository: string): readonly Draft[] {
  const there = isThere(repository);
  const put = (what: string, reference: string, { text }: Content, whenAllowed: Case["whenAllowed"]): Draft => ({
    what,
    path: `/v2/${repository}/manifests/${reference}`,
    headers: {
      "content-type": text.includes('"manifests"') ? mediaTypes.ociIndex : mediaTypes.ociManifest,
    },
    body: text,
    whenAllowed,
  });
  const { image, layer, ownTag } = contentIn(repository);
  const other = contentIn(otherThan(repository));
  const fresh = indexOf("a document that nobody has pushed");
  const moves: Case["whenAllowed"] = (may) =>
    there && !may("overwrite", repository) ? { status: 403, code: "DENIED" } : { status: 201 };
  const needsBlobs: Case["whenAllowed"] = there ? always(201) : always(400, "MANIFEST_BLOB_UNKNOWN");
  const lacksBlobs = always(400, "MANIFEST_BLOB_UNKNOWN");
  return [
    put("a document under a new tag", "new", fresh, always(201)),
    put("a document under its digest", fresh.digest, fresh, always(201)),
    put("a document under a tag that is there", latest, fresh, moves),
    put("a document under a tag that it alone has", ownTag, fresh, moves),
    put("a document under its digest and two tags", `${fresh.digest}?tag=new&tag=${latest}`, fresh, moves),
    put("a document under a new tag and one that is there", `new?tag=${latest}`, fresh, moves),
    put("the image again", latest, image, needsBlobs),
    put("an image of its blobs", "new", imageOf([layer], "another image"), needsBlobs),
    { ...put("an image of another's blob", "new", imageOf([other.layer], "theft"), lacksBlobs), twin: "no such layer" },
    {
      ...put("an image of nobody's blob", "new", imageOf([sized(other.layer)], "theft"), lacksBlobs),
      twin: "no such layer",
    },
    {
      ...put("what refers to another's image", "new", indexOf("x", other.image), always(201)),
      twin: "no such subject",
    },
    {
      ...put("what refers to nobody's image", "new", indexOf("x", sized(other.image)), always(201)),
      twin: "no such subject",
    },
  ];
}

/** LEAK-01, LEAK-02 and LEAK-04 are among these. */
function beginUpload(repository: string): readonly Draft[] {
  const uploads = `/v2/${repository}/blobs/uploads/`;
  const from = otherThan(repository);
  const layer = contentIn(from).layer.digest;
  const own = contentIn(repository).layer.digest;
  const mounted: Case["whenAllowed"] = (may) => ({ status: may("pull", from) ? 201 : 202 });
  const mount = (what: string, query: string, whenAllowed: Case["whenAllowed"], twin?: string): Draft => {
    return { what, path: `${uploads}?mount=${query}`, whenAllowed, ...(twin === undefined ? {} : { twin }) };
  };
  return [
    { what: "an upload", path: uploads, whenAllowed: always(202) },
    {
      what: "a whole blob",
      path: `${uploads}?digest=${uploaded.digest}`,
      body: uploaded.text,
      whenAllowed: always(201),
    },
    {
      what: "the bytes of another's blob",
      path: `${uploads}?digest=${layer}`,
      body: contentIn(from).layer.text,
      whenAllowed: always(201),
    },
    mount("a mount of another's blob", `${layer}&from=${from}`, mounted, "a mount"),
    mount("a mount of nobody's blob", `${nowhere.digest}&from=${from}`, always(202), "a mount"),
    mount("a mount from nowhere in particular", layer, mounted, "a mount from anywhere"),
    mount("a mount of nobody's from nowhere in particular", nowhere.digest, always(202), "a mount from anywhere"),
    mount("a mount of another's blob from nothing", `${layer}&from=zz/non`, always(202)),
    mount("a mount of what is there", `${own}&from=${from}`, isThere(repository) ? always(201) : always(202)),
    mount("a mount from no name", `${layer}&from=../x`, always(400, "NAME_INVALID")),
    mount("a mount of no digest", `sha256:x&from=${from}`, always(400, "DIGEST_INVALID")),
  ];
}

/** UPL-01: an upload is there for who began it, in the repository where it was begun. */
function onUpload(repository: string, status: number, query = ""): readonly Draft[] {
  const at = (what: string, idOf: (things: Things) => string, isOwn = false): Draft => ({
    what,
    path: (things) => `/v2/${repository}/blobs/uploads/${idOf(things)}${query}`,
    whenAllowed: isOwn ? always(status) : always(404, "BLOB_UPLOAD_UNKNOWN"),
  });
  return [
    at("an upload of one's own", ({ own }) => own, true),
    { ...at("an upload of one's own elsewhere", ({ elsewhere }) => elsewhere), twin: "no such upload" },
    { ...at("an upload of somebody else", ({ others }) => others), twin: "no such upload" },
    { ...at("an upload of nobody", () => unknownId), twin: "no such upload" },
    at("no upload", () => "x"),
  ];
}

/** The digest of nothing in the place of what is there, with its length. */
function sized({ text }: Content): Content {
  return { digest: nowhere.digest, text };
}

function sameLength(text: string, other: string): string {
  return text.padEnd(other.length, "x");
}

/** What no row has, or what is no row: other methods, other ways to write a path. */
export function strangeCases(patterns: readonly string[], names: readonly string[]): readonly Case[] {
  const paths = patterns.flatMap((pattern) =>
    (pattern.includes("{name}") ? names : [""]).map((name) => {
      const { image, layer } = contentIn(name === "" ? "a/app" : name);
      const filled = pattern
        .replace("{name}", name)
        .replace("{reference}", latest)
        .replace("{digest}", pattern.includes("referrers") ? image.digest : layer.digest)
        .replace(/\{(id|rule|key)\}/, unknownId)
        .replace(/\{(user|group|robot)\}/, "zoe");
      return { filled, name };
    }),
  );
  return paths.flatMap(({ filled, name }) => [
    ...methods.map((method): Case => strange(`${method} where it may mean nothing`, method, filled, name)),
    ...overrides.map((headers): Case => ({ ...strange("a method in a header", "GET", filled, name), headers })),
    ...(name === "" ? [] : rewritings).flatMap((rewrite, index) =>
      ["GET", "DELETE"].map((method) => strange(`path trick ${index + 1}`, method, rewrite(filled), name)),
    ),
  ]);
}

/** Of these only those are asked here that the row for the path does not have: of the others the state would be in doubt. */
const methods = ["OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "delete", "GETX", "POST", "PUT", "PATCH", "DELETE"];

const overrides: readonly Readonly<Record<string, string>>[] = [
  { "x-http-method-override": "DELETE" },
  { "x-http-method": "DELETE" },
  { "x-method-override": "PUT" },
];

/** Other ways to write a path, some of which are the same path and some are none. */
const rewritings: readonly ((path: string) => string)[] = [
  (path) => `${path}/`,
  (path) => path.replace(/\/(?=[^/]*$)/, "//"),
  (path) => `/${path}`,
  (path) => path.replace("/v2/", "/v2//"),
  (path) => path.replace("/v2/", "/V2/"),
  (path) => path.replace("/v2/", "/v2/./"),
  (path) => path.replace("/v2/", "/v2/all/a/../../"),
  (path) => path.replace("/v2/", "/v2/all/a/%2e%2e/%2E%2E/"),
  (path) => path.replace("/v2/", "/v2/all/a/tags/list/../../../../"),
  (path) => path.replace("/v2/", "/x/../v2/"),
  (path) => path.replace("/v2/", "\\v2\\"),
  (path) => path.replace("a/", "a%2f"),
  (path) => path.replace("a/", "%61/"),
  (path) => path.replace("a/", "A/"),
  (path) => `${path}%00`,
  (path) => `${path}%3fx`,
  (path) => `${path};x=1`,
  (path) => `${path}?digest=x&mount=x&n=&account=root&service=x`,
  (path) => `${path}?/../../all/a/tags/list`,
  (path) => `${path}.json`,
];

function strange(what: string, method: string, path: string, repository: string): Case {
  const isPageForm = aboutRegistry[`${method} ${path}`]?.some((draft) => draft.what === fromNowhere) === true;
  return { what, method, path, repository, whenAllowed: isPageForm ? withoutForm : always(0) };
}

/** The page's own form has fields, at least. */
const withoutForm: Case["whenAllowed"] = (_may, { standing }) =>
  standing.browser?.page === "own" ? { status: 400, code: "UNSUPPORTED" } : { status: 403, code: "DENIED" };
