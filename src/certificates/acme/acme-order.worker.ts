// The thread that speaks ACME for one order. The library takes a third of a second and 30 MB to load: here neither holds up
// anybody, and with the thread both are gone again.
import "reflect-metadata";
import { parentPort } from "node:worker_threads";
import { type Authorization, axios, Client, crypto, type Order } from "acme-client";

import type { Challenge, FromOrderThread, OrderFailure, OrderRequest, ToOrderThread } from "./acme-messages.ts";

/** An error document of the authority (RFC 8555 section 6.7). */
interface Problem {
  readonly type?: string;
  readonly detail?: string;
}

/** Something went wrong at a known place. */
class OrderError extends Error {
  readonly step: OrderFailure["step"];
  readonly subject: string | undefined;

  constructor(step: OrderFailure["step"], subject: string | undefined, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.step = step;
    this.subject = subject;
  }
}

const reachTimeoutMs = 30_000;

/** What the authority said last that was no success: the library's errors have only its sentence. */
let lastProblem: Problem | undefined;
let retryAfterSeconds: number | undefined;
let answered: ((fault: string | undefined) => void) | undefined;

parentPort?.on("message", (message: ToOrderThread) => {
  if (message.kind === "answered") answered?.(message.fault);
  else void run(message.request);
});

async function run(request: OrderRequest): Promise<void> {
  try {
    say({ kind: "done", certificatePem: await order(request) });
  } catch (error) {
    say({ kind: "failed", failure: describe(error) });
  }
}

async function order(request: OrderRequest): Promise<string> {
  const { directory, names, accountKeyPem } = request;
  prepareLibrary(request);
  await at("directory", undefined, () => reach(request));
  const client = new Client({
    directoryUrl: directory,
    accountKey: accountKeyPem,
    backoffAttempts: 20,
    backoffMin: 500,
    backoffMax: 15_000,
  });
  const contact = request.email === undefined ? {} : { contact: [`mailto:${request.email}`] };
  await at("account", undefined, () => client.createAccount({ termsOfServiceAgreed: true, ...contact }));
  const identifiers = names.map((value) => ({ type: "dns", value }));
  const placed = await at("order", undefined, () => client.createOrder({ identifiers }));
  for (const authorization of await at("order", undefined, () => client.getAuthorizations(placed)))
    await at("challenge", authorization.identifier.value, () => prove(client, authorization, request));
  return at("certificate", undefined, () => fetchCertificate(client, placed, request));
}

/** The library's own tries again are off (whoever asked for the order knows when to), and so is its way past the runtime's TLS. */
function prepareLibrary({ directoryCaPem }: OrderRequest): void {
  const settings = {
    acmeSettings: { retryMaxAttempts: 0, retryDefaultDelay: 0 },
    fetchOptions: tlsFor(directoryCaPem),
  };
  Object.assign(axios.defaults, settings);
  axios.defaults.adapter = "fetch";
  axios.defaults.timeout = reachTimeoutMs;
  axios.defaults.headers.common["User-Agent"] = "dozo";
  axios.interceptors.response.use((response) => {
    const data = response.data as { error?: Problem } & Problem;
    const problem = response.status >= 400 ? data : findProblem(data);
    if (problem !== undefined) lastProblem = problem;
    const seconds = Number(response.headers["retry-after"]);
    if (response.status >= 400 && Number.isFinite(seconds)) retryAfterSeconds = seconds;
    return response;
  });
}

function findProblem(data: unknown): Problem | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  const { error, challenges } = data as { error?: Problem; challenges?: readonly { error?: Problem }[] };
  return error ?? challenges?.find((each) => each.error !== undefined)?.error;
}

function tlsFor(caPem: string | undefined): BunFetchRequestInit {
  return caPem === undefined ? {} : { tls: { ca: caPem } };
}

/** Asked by our own means first: the library loses the reason when nothing answers. */
async function reach({ directory, directoryCaPem }: OrderRequest): Promise<void> {
  const answer = await fetch(directory, { ...tlsFor(directoryCaPem), signal: AbortSignal.timeout(reachTimeoutMs) });
  if (!answer.ok) throw new Error(`it answered ${answer.status}`);
  const entries = (await answer.json().catch(() => undefined)) as { newOrder?: unknown } | undefined;
  if (typeof entries?.newOrder !== "string") throw new Error("what it answers is no ACME directory");
}

async function prove(client: Client, authorization: Authorization, request: OrderRequest): Promise<void> {
  const { challengeType, names } = request;
  if (authorization.status === "valid") return;
  const { value } = authorization.identifier;
  // A program of the operator's is called with it: it must be what they wrote, not what somebody else did.
  if (!names.some((name) => name.replace(/^\*\./, "") === value))
    throw new Error("it asks about a name that is not ours");
  const offered = authorization.challenges.find(({ type }) => type === challengeType);
  if (offered === undefined)
    throw new Error(`it offers ${authorization.challenges.map(({ type }) => type).join(", ")}, not ${challengeType}`);
  const challenge: Challenge = {
    type: challengeType,
    name: value,
    token: offered.token,
    value: await client.getChallengeKeyAuthorization(offered),
  };
  try {
    await ask({ kind: "putUp", challenge });
    await client.completeChallenge(offered);
    await client.waitForValidStatus(offered);
  } finally {
    // What is left behind harms nobody; the registry has said so in its log.
    await ask({ kind: "takeDown", challenge }).catch(() => undefined);
  }
}

async function fetchCertificate(client: Client, placed: Order, request: OrderRequest): Promise<string> {
  const [, csr] = await crypto.createCsr({ altNames: [...request.names] }, request.certificateKeyPem);
  return client.getCertificate(await client.finalizeOrder(placed, csr));
}

/** Waits until the registry has done it. */
async function ask(message: FromOrderThread): Promise<void> {
  const fault = await new Promise<string | undefined>((resolve) => {
    answered = resolve;
    say(message);
  });
  if (fault !== undefined) throw new Error(fault);
}

async function at<Result>(
  step: OrderFailure["step"],
  subject: string | undefined,
  work: () => Promise<Result>,
): Promise<Result> {
  lastProblem = undefined;
  try {
    return await work();
  } catch (error) {
    throw new OrderError(step, subject, error);
  }
}

function describe(error: unknown): OrderFailure {
  const { step, subject } = error instanceof OrderError ? error : { step: "order" as const, subject: undefined };
  // The library falls over its own feet where there is no answer at all.
  const wasCut = error instanceof OrderError && step !== "directory" && error.cause instanceof TypeError;
  const message = wasCut ? "the connection broke off" : error instanceof Error ? error.message : String(error);
  const problem = lastProblem?.type?.split(":").at(-1);
  return { step, name: subject, message: lastProblem?.detail ?? message, problem, retryAfterSeconds };
}

function say(message: FromOrderThread): void {
  parentPort?.postMessage(message, []);
}
