import type { RegistryError } from "../core/error.ts";
import type { Answer } from "../http/answer.ts";
import type { MemoryBody } from "./body-limit.ts";
import type {
  AdminCall,
  ApiParts,
  BodyCall,
  Call,
  ChangeCall,
  KnownCall,
  OwnCall,
  RepositoryCall,
  TokenCall,
  UploadCall,
} from "./call.ts";
import * as blobs from "./distribution/blobs.ts";
import * as catalog from "./distribution/catalog.ts";
import * as manifests from "./distribution/manifests.ts";
import * as referrers from "./distribution/referrers.ts";
import * as tags from "./distribution/tags.ts";
import * as uploads from "./distribution/uploads.ts";
import * as version from "./distribution/version.ts";
import * as search from "./docker/search.ts";
import * as token from "./docker/token.ts";
import type { Identify } from "./identify.ts";
import * as open from "./public.ts";
import type { RouteRecord } from "../registry/audit-trail.ts";
import type { JsonShape } from "./v1/json-endpoint.ts";
import * as audit from "./v1/audit.ts";
import * as groups from "./v1/groups.ts";
import * as keys from "./v1/keys.ts";
import * as me from "./v1/me.ts";
import * as robots from "./v1/robots.ts";
import * as rules from "./v1/rules.ts";
import * as users from "./v1/users.ts";
import { bySession, bySessionOrAuthorization, toLogin } from "./web/browser.ts";
import * as companyLogin from "./web/company-login.ts";
import * as enrolment from "./web/enrolment.ts";
import * as keysPage from "./web/keys.ts";
import * as login from "./web/login.ts";
import * as pages from "./web/pages.ts";

interface Row {
  /** The endpoint's id in the distribution specification, section "Endpoints"; a name of our own where it has none. */
  readonly id: string;
  /** What a person calls it who reads the log. */
  readonly name: string;
  /** Its success changes what others see; the log for people has only such rows, and what fails. */
  readonly isChange?: true;
  /** What its success is for the record; the use cases of the administration tell it of theirs. */
  readonly record?: RouteRecord;
  /** Its answer has what clients have to trust. */
  readonly tellsTrust?: true;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly pattern: string;
  /** How it is found out who asks; by `Authorization` and the client's certificate where the row does not say. */
  readonly identify?: Identify;
  /** How its refusals look; as the registry's JSON where the row does not say. */
  readonly refuse?: Refuse;
  /** Of the rows of the HTTP API. */
  readonly shape?: JsonShape;
}

/** Undefined: in the usual way. */
type Refuse = (parts: ApiParts, call: Call, error: RegistryError) => Answer | undefined;
type Handler<Given extends Call> = (parts: ApiParts, call: Given) => Answer | Promise<Answer>;

/** What it takes in as a body decides what its handler is given of it; `body-limit.ts` has how much that is. */
type Endpoint<Given extends Call> =
  | { readonly body: "none"; readonly handler: Handler<Given> }
  | { readonly body: MemoryBody; readonly handler: Handler<Given & BodyCall> }
  | { readonly body: "blob"; readonly handler: Handler<Given & UploadCall> };

/** One endpoint. What it asks for (`action`) decides who it is given. */
export type ApiRoute = Row &
  (
    | ({ readonly action: "none" } & Endpoint<Call>)
    | ({ readonly action: "token" } & Endpoint<TokenCall>)
    | ({ readonly action: "login" | "catalog" } & Endpoint<KnownCall>)
    | ({ readonly action: "keys" } & Endpoint<OwnCall>)
    | ({ readonly action: "administer" } & Endpoint<AdminCall>)
    | ({ readonly action: "pull" } & Endpoint<RepositoryCall>)
    | ({ readonly action: "push" | "delete" | "admin" } & Endpoint<ChangeCall>)
  );

const imagePull: RouteRecord = { kind: "pull" };
const blobPull: RouteRecord = { kind: "pull", isDetail: true };
const imagePush: RouteRecord = { kind: "push" };
const blobPush: RouteRecord = { kind: "push", isDetail: true };
const deletion: RouteRecord = { kind: "change" };

const manifest = "/v2/{name}/manifests/{reference}";
const blob = "/v2/{name}/blobs/{digest}";
const newUpload = "/v2/{name}/blobs/uploads/";
const upload = "/v2/{name}/blobs/uploads/{id}";
const tagList = "/v2/{name}/tags/list";
const repositoryRules = "/api/v1/repositories/{name}/rules";
const referrerList = "/v2/{name}/referrers/{digest}";

/**
 * What lives in this folder: the endpoints. This table is all of them; a handler parses, calls one use case and answers.
 * Who may call it is decided before, in `api.ts`, from the row's action; how an error becomes an answer, behind it.
 * A row for GET serves HEAD too. Where the specification has two ids for one method and path, the row has both.
 */
export const routes: readonly ApiRoute[] = [
  {
    id: "end-1",
    name: "log in",
    method: "GET",
    pattern: "/v2/",
    action: "login",
    body: "none",
    handler: version.check,
  },
  {
    id: "end-2",
    name: "pull blob",
    record: blobPull,
    method: "GET",
    pattern: blob,
    action: "pull",
    body: "none",
    handler: blobs.read,
  },
  {
    id: "end-3",
    name: "pull",
    record: imagePull,
    method: "GET",
    pattern: manifest,
    action: "pull",
    body: "none",
    handler: manifests.read,
  },
  {
    id: "end-4a end-4b end-11",
    name: "begin upload",
    record: blobPush,
    method: "POST",
    pattern: newUpload,
    action: "push",
    body: "blob",
    handler: uploads.start,
  },
  {
    id: "end-5",
    name: "upload",
    method: "PATCH",
    pattern: upload,
    action: "push",
    body: "blob",
    handler: uploads.append,
  },
  {
    id: "end-6",
    name: "push blob",
    record: blobPush,
    method: "PUT",
    pattern: upload,
    action: "push",
    body: "blob",
    handler: uploads.commit,
  },
  {
    id: "end-7a end-7b",
    name: "push",
    record: imagePush,
    isChange: true,
    method: "PUT",
    pattern: manifest,
    action: "push",
    body: "manifest",
    handler: manifests.put,
  },
  {
    id: "end-8a end-8b",
    name: "list tags",
    method: "GET",
    pattern: tagList,
    action: "pull",
    body: "none",
    handler: tags.list,
  },
  {
    id: "end-9",
    name: "delete",
    record: deletion,
    isChange: true,
    method: "DELETE",
    pattern: manifest,
    action: "delete",
    body: "none",
    handler: manifests.remove,
  },
  {
    id: "end-10",
    name: "delete blob",
    record: deletion,
    isChange: true,
    method: "DELETE",
    pattern: blob,
    action: "delete",
    body: "none",
    handler: blobs.remove,
  },
  {
    id: "end-12a end-12b",
    name: "list referrers",
    method: "GET",
    pattern: referrerList,
    action: "pull",
    body: "none",
    handler: referrers.list,
  },
  {
    id: "end-13",
    name: "ask for upload",
    method: "GET",
    pattern: upload,
    action: "push",
    body: "none",
    handler: uploads.status,
  },
  {
    id: "end-14",
    name: "cancel upload",
    method: "DELETE",
    pattern: upload,
    action: "push",
    body: "none",
    handler: uploads.cancel,
  },
  {
    id: "catalog",
    name: "list repositories",
    method: "GET",
    pattern: "/v2/_catalog",
    action: "catalog",
    body: "none",
    handler: catalog.list,
  },
  {
    id: "search",
    name: "search",
    method: "GET",
    pattern: "/v1/search",
    action: "catalog",
    body: "none",
    handler: search.search,
  },
  { id: "ping", name: "ping", method: "GET", pattern: "/v1/_ping", action: "none", body: "none", handler: search.ping },
  {
    id: "token",
    name: "fetch token",
    method: "GET",
    pattern: "/token",
    action: "token",
    body: "none",
    handler: token.get,
  },
  {
    id: "token-form",
    name: "fetch token",
    method: "POST",
    pattern: "/token",
    action: "token",
    body: "form",
    handler: token.post,
  },
  { id: "front", name: "front page", method: "GET", pattern: "/", action: "none", body: "none", handler: pages.front },
  {
    id: "ca",
    name: "fetch CA",
    tellsTrust: true,
    method: "GET",
    pattern: "/ca.crt",
    action: "none",
    body: "none",
    handler: open.caCertificate,
  },
  {
    id: "enrolment-page",
    name: "enrolment page",
    method: "GET",
    pattern: "/enroll",
    action: "none",
    body: "none",
    handler: pages.enroll,
  },
  {
    id: "enrolment-line",
    name: "show enrolment",
    method: "GET",
    pattern: "/enroll/line",
    action: "login",
    identify: bySessionOrAuthorization,
    refuse: pages.refuseLine,
    body: "none",
    handler: pages.line,
  },
  {
    id: "enrolment-script",
    name: "fetch enrolment",
    tellsTrust: true,
    method: "GET",
    pattern: "/enroll.sh",
    action: "none",
    body: "none",
    handler: enrolment.script,
  },
  {
    id: "enrolment-powershell",
    name: "fetch enrolment",
    tellsTrust: true,
    method: "GET",
    pattern: "/enroll.ps1",
    action: "none",
    body: "none",
    handler: enrolment.powershell,
  },
  {
    id: "login-page",
    name: "login page",
    method: "GET",
    pattern: "/login",
    action: "none",
    body: "none",
    handler: login.show,
  },
  {
    id: "login",
    name: "log in",
    method: "POST",
    pattern: "/login",
    action: "login",
    identify: login.byForm,
    refuse: login.refuse,
    body: "page-form",
    handler: login.submit,
  },
  {
    id: "logout",
    name: "log out",
    method: "POST",
    pattern: "/logout",
    action: "none",
    refuse: toLogin,
    body: "page-form",
    handler: login.logOut,
  },
  {
    id: "company-login",
    name: "log in at the company",
    method: "GET",
    pattern: "/login/oidc",
    action: "none",
    refuse: toLogin,
    body: "none",
    handler: companyLogin.start,
  },
  {
    id: "company-login-end",
    name: "log in",
    method: "GET",
    pattern: "/login/oidc/callback",
    action: "login",
    identify: companyLogin.byProvider,
    refuse: toLogin,
    body: "none",
    handler: companyLogin.finish,
  },
  {
    id: "keys-page",
    name: "show access keys",
    method: "GET",
    pattern: "/keys",
    action: "keys",
    identify: bySession,
    refuse: toLogin,
    body: "none",
    handler: keysPage.show,
  },
  {
    id: "key",
    name: "make access key",
    isChange: true,
    method: "POST",
    pattern: "/keys",
    action: "keys",
    identify: bySession,
    refuse: toLogin,
    body: "page-form",
    handler: keysPage.make,
  },
  {
    id: "key-revocation",
    name: "revoke access key",
    isChange: true,
    method: "POST",
    pattern: "/keys/revoke",
    action: "keys",
    identify: bySession,
    refuse: toLogin,
    body: "page-form",
    handler: keysPage.revoke,
  },
  {
    id: "live",
    name: "check health",
    method: "GET",
    pattern: "/livez",
    action: "none",
    body: "none",
    handler: open.live,
  },
  { id: "users", name: "list users", method: "GET", pattern: "/api/v1/users", action: "administer", ...users.list },
  {
    id: "user-add",
    name: "add user",
    isChange: true,
    method: "POST",
    pattern: "/api/v1/users",
    action: "administer",
    ...users.add,
  },
  {
    id: "user-change",
    name: "change user",
    isChange: true,
    method: "PUT",
    pattern: "/api/v1/users/{user}",
    action: "administer",
    ...users.change,
  },
  {
    id: "user-remove",
    name: "remove user",
    isChange: true,
    method: "DELETE",
    pattern: "/api/v1/users/{user}",
    action: "administer",
    ...users.remove,
  },
  { id: "groups", name: "list groups", method: "GET", pattern: "/api/v1/groups", action: "administer", ...groups.list },
  {
    id: "group-add",
    name: "add group",
    isChange: true,
    method: "POST",
    pattern: "/api/v1/groups",
    action: "administer",
    ...groups.add,
  },
  {
    id: "group-remove",
    name: "remove group",
    isChange: true,
    method: "DELETE",
    pattern: "/api/v1/groups/{group}",
    action: "administer",
    ...groups.remove,
  },
  {
    id: "group-join",
    name: "join group",
    isChange: true,
    method: "POST",
    pattern: "/api/v1/groups/{group}/join",
    action: "administer",
    ...groups.join,
  },
  {
    id: "group-leave",
    name: "leave group",
    isChange: true,
    method: "POST",
    pattern: "/api/v1/groups/{group}/leave",
    action: "administer",
    ...groups.leave,
  },
  { id: "robots", name: "list robots", method: "GET", pattern: "/api/v1/robots", action: "administer", ...robots.list },
  {
    id: "robot-add",
    name: "add robot",
    isChange: true,
    method: "POST",
    pattern: "/api/v1/robots",
    action: "administer",
    ...robots.add,
  },
  {
    id: "robot-remove",
    name: "remove robot",
    isChange: true,
    method: "DELETE",
    pattern: "/api/v1/robots/{robot}",
    action: "administer",
    ...robots.remove,
  },
  { id: "keys", name: "list access keys", method: "GET", pattern: "/api/v1/keys", action: "administer", ...keys.list },
  {
    id: "key-add",
    name: "make access key",
    isChange: true,
    method: "POST",
    pattern: "/api/v1/keys",
    action: "administer",
    ...keys.add,
  },
  {
    id: "key-remove",
    name: "revoke access key",
    isChange: true,
    method: "DELETE",
    pattern: "/api/v1/keys/{key}",
    action: "administer",
    ...keys.remove,
  },
  { id: "me", name: "tell who asks", method: "GET", pattern: "/api/v1/me", action: "login", ...me.show },
  {
    id: "own-keys",
    name: "list access keys",
    method: "GET",
    pattern: "/api/v1/me/keys",
    action: "keys",
    ...keys.listOwn,
  },
  {
    id: "own-key-add",
    name: "make access key",
    isChange: true,
    method: "POST",
    pattern: "/api/v1/me/keys",
    action: "keys",
    ...keys.addOwn,
  },
  {
    id: "own-key-remove",
    name: "revoke access key",
    isChange: true,
    method: "DELETE",
    pattern: "/api/v1/me/keys/{key}",
    action: "keys",
    ...keys.removeOwn,
  },
  { id: "rules", name: "list rules", method: "GET", pattern: "/api/v1/rules", action: "administer", ...rules.list },
  {
    id: "rule-add",
    name: "add rule",
    isChange: true,
    method: "POST",
    pattern: "/api/v1/rules",
    action: "administer",
    ...rules.add,
  },
  {
    id: "rule-remove",
    name: "remove rule",
    isChange: true,
    method: "DELETE",
    pattern: "/api/v1/rules/{rule}",
    action: "administer",
    ...rules.remove,
  },
  {
    id: "audit",
    name: "read the record",
    method: "GET",
    pattern: "/api/v1/audit",
    action: "administer",
    ...audit.list,
  },
  {
    id: "access-check",
    name: "check access",
    method: "POST",
    pattern: "/api/v1/access",
    action: "administer",
    ...rules.check,
  },
  {
    id: "repository-rules",
    name: "list rules",
    method: "GET",
    pattern: repositoryRules,
    action: "admin",
    ...rules.listOfRepository,
  },
  {
    id: "repository-rule-add",
    name: "add rule",
    isChange: true,
    method: "POST",
    pattern: repositoryRules,
    action: "admin",
    ...rules.addToRepository,
  },
  {
    id: "repository-rule-remove",
    name: "remove rule",
    isChange: true,
    method: "DELETE",
    pattern: `${repositoryRules}/{rule}`,
    action: "admin",
    ...rules.removeFromRepository,
  },
];
