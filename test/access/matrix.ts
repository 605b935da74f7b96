import type { RepositoryName } from "../../src/core/repository-name.ts";
import type { Digest } from "../../src/core/digest.ts";
import type { PrincipalId } from "../../src/core/principal.ts";
import type { UploadId } from "../../src/core/upload-session.ts";
import { type Asker, askersOf } from "./askers.ts";
import { secretsOf } from "./secrets.ts";
import { type Case, casesOf, type Secrets, strangeCases, type Things } from "./cases.ts";
import { askedScopes } from "./token-cases.ts";
import { common, contentIn, contentOf, nowhere } from "./content.ts";
import { type Expected, Oracle } from "./oracle.ts";
import { repositories } from "./words.ts";
import type { World } from "./world.ts";

/** What came of one request of the matrix. */
export interface Outcome {
  readonly asker: Asker;
  readonly asked: Case;
  readonly path: string;
  readonly body: string | undefined;
  readonly expected: Expected;
  /** Refused before anything stored could matter. */
  readonly isRefused: boolean;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** What of the stores was called for it. */
  readonly calls: readonly string[];
}

export interface MatrixResult {
  readonly requests: number;
  /** A sentence for each answer that should have been another. */
  readonly unexpected: readonly string[];
  readonly outcomes: readonly Outcome[];
}

export interface MatrixOptions {
  readonly asks?: (asker: Asker) => boolean;
  readonly isAsked?: (asked: Case) => boolean;
  /** Ends at the first answer that should have been another. */
  readonly stopsAtFirst?: boolean;
}

const allNames = repositories.map(({ name }) => name);
/** Enough for those who have nothing of their own: one of each kind of rule, and what is there beside what is not. */
const someNames = ["a/app", "a/two", "a/non", "b/app", "b/non", "a/b/c", "all/a", "z/app"];
/** Enough for who is turned away at the door, and for what is no endpoint. */
const fewNames = ["a/app", "a/non"];

/** Sends every case of every asker, and holds the answers against the oracle's. */
export async function runMatrix(world: World, options: MatrixOptions = {}): Promise<MatrixResult> {
  const { routes } = world.source.routes;
  const oracle = new Oracle(world.words);
  const patterns = [...new Set(routes.map(({ pattern }) => pattern))];
  const { isAsked = () => true } = options;
  const casesAbout = (names: readonly string[]): readonly Case[] =>
    routes.flatMap((row) => casesOf(row, names) ?? []).filter(isAsked);
  const cases = { all: casesAbout(allNames), some: casesAbout(someNames), few: casesAbout(fewNames) };
  const strange = strangeCases(patterns, fewNames).filter(isAsked);
  const outcomes: Outcome[] = [];
  const unexpected: string[] = [];
  const secrets = await secretsOf(world);
  for (const asker of (await askersOf(world)).filter(options.asks ?? (() => true))) {
    const isJudged = asker.standing.kind === "person" || asker.standing.kind === "nobody";
    const own = cases[asker.about ?? (isJudged ? "all" : "few")];
    for (const asked of [...own, ...(asker.triesTricks === true ? strange : [])]) {
      const { outcome, isChanged } = await ask({ world, oracle, secrets }, asker, asked);
      outcomes.push(outcome);
      const complaint = complaintAbout(oracle, outcome, isChanged);
      if (complaint === undefined) continue;
      unexpected.push(`${asker.name}: ${asked.method} ${outcome.path} (${asked.what}): ${complaint}`);
      if (options.stopsAtFirst === true) return { requests: outcomes.length, unexpected, outcomes };
    }
  }
  return { requests: outcomes.length, unexpected, outcomes };
}

const changingMethods: readonly string[] = ["POST", "PUT", "PATCH", "DELETE"];
/** Calls of the stores that change nothing. */
const readingCall = /^(metadata\.(find|list|search)|uploads\.size$|blobs\.(open|read)$)/;

let networks = 0;

/** Of a network that nobody has asked from yet. */
function freshAddress(): string {
  networks++;
  return `10.${(networks >> 8) & 255}.${networks & 255}.7`;
}

interface Run {
  readonly world: World;
  readonly oracle: Oracle;
  readonly secrets: Secrets;
}

async function ask(
  { world, oracle, secrets }: Run,
  asker: Asker,
  asked: Case,
): Promise<{ readonly outcome: Outcome; readonly isChanged: boolean }> {
  const { repository } = asked;
  const browser = asker.openBrowser?.();
  const uploads = typeof asked.path === "string" ? undefined : await prepare(world, asker, repository ?? "");
  const { keysOfOthers, ruleElsewhere, keyElsewhere } = world;
  const othersKey = keysOfOthers(asker.standing.browser?.session ?? "");
  const formToken = browser?.formToken ?? "";
  const given = { ...(uploads ?? noUploads), formToken, othersKey, ruleElsewhere, keyElsewhere, secrets };
  const path = withQuery(typeof asked.path === "string" ? asked.path : asked.path(given), asker);
  const body = typeof asked.body === "function" ? asked.body(given) : asked.body;
  const request = requestOf({ ...asker.headers, ...browser?.headers, ...asked.headers }, asked.method, path, body);
  let isRefused = true;
  const expected = oracle.answer(asker.standing, request.method, new URL(request.url).pathname, () => {
    isRefused = false;
    return asked.whenAllowed((deed, name) => oracle.may(asker.standing, deed, name), asker);
  });
  const isWriting = !isRefused && changingMethods.includes(asked.method);
  const before = isWriting ? await trace(world, repository) : "";
  world.calls.length = 0;
  const address = asker.address ?? freshAddress();
  const { certificate } = asker;
  const answer = await world.handle(request, { address, ...(certificate === undefined ? {} : { certificate }) });
  const text = await answer.text();
  const calls = [...world.calls];
  const isChanged = isWriting && (await trace(world, repository)) !== before;
  const mayHaveLeft = uploads !== undefined || (changingMethods.includes(asked.method) && answer.status < 400);
  if (mayHaveLeft && repository !== undefined && repository !== "") await world.restore(repository);
  if (uploads !== undefined) await world.metadata.removeUpload(uploads.elsewhere as UploadId);
  const { status, headers } = answer;
  return { outcome: { asker, asked, path, body, expected, isRefused, status, headers, text, calls }, isChanged };
}

function withQuery(path: string, { query }: Asker): string {
  if (query === undefined) return path;
  return `${path}${path.includes("?") ? "&" : "?"}${query}`;
}

function requestOf(
  headers: Readonly<Record<string, string>>,
  method: string,
  path: string,
  body: string | undefined,
): Request {
  const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
  const init = { method, headers: { host: "registry.test", ...headers, ...length } };
  const request = new Request(`http://registry.test${path}`, body === undefined ? init : { ...init, body });
  // The runtime's listener hands over a method as it was written; a request that is made here gets it in capitals.
  if (request.method !== method) Object.defineProperty(request, "method", { value: method });
  return request;
}

type UploadIds = Pick<Things, "own" | "elsewhere" | "others">;
const noUploads: UploadIds = { own: "", elsewhere: "", others: "" };

async function prepare(world: World, asker: Asker, repository: string): Promise<UploadIds> {
  const own = idOf(world, asker);
  const elsewhere = repository === "a/app" ? "b/app" : "a/app";
  const others = world.idOf(own === world.idOf("alice") ? "root" : "alice");
  return {
    own: await world.beginUpload(repository, own),
    elsewhere: await world.beginUpload(elsewhere, own),
    others: await world.beginUpload(repository, others),
  };
}

function idOf(world: World, { id, standing }: Asker): PrincipalId {
  return id ?? world.idOf(standing.kind === "person" ? standing.name : "root");
}

/** What a repository has, in a few words, and how much there is in all. */
async function trace({ metadata }: World, repository: string | undefined): Promise<string> {
  const totals = await metadata.totals();
  if (repository === undefined || repository === "") return JSON.stringify(totals);
  const name = repository as RepositoryName;
  const history = await metadata.tagHistory(name, undefined, 1000);
  const layers = [repository, "a/app", "b/app"].map((each) => contentIn(each).layer.digest);
  const digests: readonly Digest[] = [...layers, common.digest, nowhere.digest];
  const blobs = await Promise.all(digests.map((digest) => metadata.findBlob(name, digest)));
  return JSON.stringify([totals, history.length, blobs.map((blob) => blob !== undefined)]);
}

const challengeForm =
  /^(Basic realm="[^"]*"(, charset="UTF-8")?|Bearer realm="https:\/\/registry\.test\/token",service="dozo"(,scope="[^"]*")?(,error="[a-z_]*")?)$/;

/** What is wrong with an answer; undefined where nothing is. */
function complaintAbout(oracle: Oracle, outcome: Outcome, isChanged: boolean): string | undefined {
  const { asked, expected, status, headers } = outcome;
  const code = codeOf(outcome);
  const isOpen = expected.status === 0;
  if (isOpen ? [401, 403].includes(status) || status >= 500 : status !== expected.status || code !== expected.code)
    return `${status} ${code ?? ""} instead of ${expected.status} ${expected.code ?? ""}`;
  const challenge = headers.get("www-authenticate");
  if ((challenge !== null) !== (status === 401)) return `the challenge is ${challenge} with ${status}`;
  if (challenge !== null && !challengeForm.test(challenge)) return `more than one challenge: ${challenge}`;
  if (headers.get("x-content-type-options") !== "nosniff") return "a header for browsers is missing";
  if (isChanged && status >= 400) return `${status}, and something was changed`;
  if (outcome.isRefused && outcome.calls.length > 0) return `refused after ${outcome.calls.join(" ")}`;
  const changing = outcome.calls.find((call) => !readingCall.test(call));
  if (!changingMethods.includes(asked.method) && changing !== undefined) return `something was changed by ${changing}`;
  return listComplaint(oracle, outcome) ?? tokenComplaint(oracle, outcome) ?? leak(oracle, outcome);
}

function codeOf({ asked, status, headers, text, expected }: Outcome): string | undefined {
  if (status < 400) return undefined;
  // A page has no code.
  if (headers.get("content-type")?.startsWith("text/") === true) return undefined;
  // HEAD has no body: its code is taken on trust.
  if (asked.method === "HEAD") return expected.code;
  const { errors } = JSON.parse(text) as { readonly errors: readonly { readonly code: string }[] };
  return errors.map(({ code }) => code).join(" ");
}

function listComplaint(oracle: Oracle, { asked, asker, status, text }: Outcome): string | undefined {
  if (asked.list === undefined || status !== 200 || asked.method === "HEAD") return undefined;
  const answer = JSON.parse(text) as {
    readonly repositories?: readonly string[];
    readonly results?: readonly { readonly name: string }[];
  };
  const shown = (asked.list === "catalog" ? answer.repositories : answer.results?.map(({ name }) => name)) ?? [];
  const visible = oracle.visible(asker.standing);
  return shown.join(" ") === visible.join(" ") ? undefined : `shows ${shown.join(" ")} instead of ${visible.join(" ")}`;
}

/** JWT-10: a token is for what was asked for and is allowed, and for nothing else. */
function tokenComplaint(oracle: Oracle, { asked, asker, status, text }: Outcome): string | undefined {
  if (asked.token === undefined || status !== 200 || asked.method === "HEAD") return undefined;
  const { token } = JSON.parse(text) as { readonly token: string };
  const { access } = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as {
    readonly access: readonly { readonly name: string; readonly actions: readonly string[] }[];
  };
  const given = access.map(({ name, actions }) => `${name}: ${actions.join(" ")}`).join("; ");
  const holder = asked.token === "of the asker" ? asker.standing : asked.token;
  const due = oracle.tokenFor(holder, askedScopes).join("; ");
  return given === due ? undefined : `a token for ${given} instead of ${due}`;
}

/** LEAK-08: nothing of a repository that the asker may not pull stands in an answer, unless the asker has said it. */
function leak(oracle: Oracle, { asker, asked, path, body = "", text, headers }: Outcome): string | undefined {
  const said = `${path} ${body} ${contentOf(body).digest} ${JSON.stringify(asked.headers ?? {})}`;
  const answered = `${text} ${JSON.stringify([...headers])}`;
  for (const { name, exists } of repositories) {
    if (!exists) continue;
    const { layer, image, referrer, ownTag } = contentIn(name);
    const told = [layer.digest, image.digest, referrer.digest, layer.text, ownTag].find(
      (each) => answered.includes(each) && !said.includes(each),
    );
    if (told !== undefined && !oracle.may(asker.standing, "pull", name)) return `tells ${told} of ${name}`;
  }
  return undefined;
}
