import type { z } from "zod";
import { type AdministrationFault, AdministrationError } from "../../core/administration.ts";
import { JsonRefusal, parseBoundedJson } from "../../core/bounded-json.ts";
import { type Answer, emptyAnswer, jsonAnswer } from "../../http/answer.ts";
import type { BodyFault } from "../../http/request-body.ts";
import type { ApiParts, BodyCall, KnownCall } from "../call.ts";

/** The schema of an object: its fields are known, and no others are taken. */
type ObjectSchema<Fields> = z.ZodType<Fields> & { readonly shape: Readonly<Record<string, unknown>> };

/** What a client has to know of an endpoint: `docs/reference/openapi.json` is made of it. */
export interface JsonShape {
  readonly summary: string;
  /** What may stand in the query; undefined: nothing. */
  readonly query: z.ZodType | undefined;
  readonly asks: z.ZodType | undefined;
  readonly status: 200 | 201 | 204;
  readonly answers: z.ZodType | undefined;
}

/** The part of a route's row that an endpoint brings. */
interface JsonEndpoint<Body extends "none" | "json", Given extends KnownCall> {
  readonly body: Body;
  readonly shape: JsonShape;
  readonly handler: (parts: ApiParts, call: Given) => Promise<Answer>;
}

interface Telling<Given, Told> {
  readonly summary: string;
  readonly answers: z.ZodType<Told>;
  readonly work: (parts: ApiParts, call: Given) => Promise<Told>;
}

interface Searching<Given, Query, Told> {
  readonly summary: string;
  readonly query: ObjectSchema<Query>;
  readonly answers: z.ZodType<Told>;
  readonly work: (parts: ApiParts, call: Given, query: Query) => Promise<Told>;
}

interface Asking<Given, Asked, Told> {
  readonly summary: string;
  readonly asks: ObjectSchema<Asked>;
  readonly status: 200 | 201;
  readonly answers: z.ZodType<Told>;
  readonly work: (parts: ApiParts, call: Given, asked: Asked) => Promise<Told>;
}

interface Changing<Given, Asked> {
  readonly summary: string;
  readonly asks: ObjectSchema<Asked>;
  readonly work: (parts: ApiParts, call: Given, asked: Asked) => Promise<void>;
}

interface Doing<Given> {
  readonly summary: string;
  readonly work: (parts: ApiParts, call: Given) => Promise<void>;
}

/** An endpoint that answers something, and is asked without a body. */
export function telling<Given extends KnownCall, Told>(endpoint: Telling<Given, Told>): JsonEndpoint<"none", Given> {
  const { summary, answers, work } = endpoint;
  return {
    body: "none",
    shape: { summary, query: undefined, asks: undefined, status: 200, answers },
    handler: (parts, call) => withoutQuery(call, async () => jsonAnswer(200, await work(parts, call), uncached)),
  };
}

/** An endpoint that answers what its query asks for. */
export function searching<Given extends KnownCall, Query, Told>(
  endpoint: Searching<Given, Query, Told>,
): JsonEndpoint<"none", Given> {
  const { summary, query, answers, work } = endpoint;
  return {
    body: "none",
    shape: { summary, query, asks: undefined, status: 200, answers },
    handler: (parts, call) =>
      withQuery(call, query, async (asked) => jsonAnswer(200, await work(parts, call, asked), uncached)),
  };
}

/** An endpoint that answers something about the document that it is sent. */
export function asking<Given extends KnownCall, Asked, Told>(
  endpoint: Asking<Given, Asked, Told>,
): JsonEndpoint<"json", Given & BodyCall> {
  const { summary, asks, status, answers, work } = endpoint;
  return {
    body: "json",
    shape: { summary, query: undefined, asks, status, answers },
    handler: (parts, call) =>
      withDocument(call, asks, async (asked) => jsonAnswer(status, await work(parts, call, asked), uncached)),
  };
}

/** An endpoint that does what a document says, of which there is nothing to tell. */
export function changing<Given extends KnownCall, Asked>(
  endpoint: Changing<Given, Asked>,
): JsonEndpoint<"json", Given & BodyCall> {
  const { summary, asks, work } = endpoint;
  return {
    body: "json",
    shape: { summary, query: undefined, asks, status: 204, answers: undefined },
    handler: (parts, call) =>
      withDocument(call, asks, async (asked) => {
        await work(parts, call, asked);
        return emptyAnswer(204, uncached);
      }),
  };
}

/** An endpoint that does something by being called. */
export function doing<Given extends KnownCall>({ summary, work }: Doing<Given>): JsonEndpoint<"none", Given> {
  return {
    body: "none",
    shape: { summary, query: undefined, asks: undefined, status: 204, answers: undefined },
    handler: (parts, call) =>
      withoutQuery(call, async () => {
        await work(parts, call);
        return emptyAnswer(204, uncached);
      }),
  };
}

/** Answers of this API are about people: no cache keeps them. */
const uncached = { "Cache-Control": "no-store" };

/** Far beyond what any document of this API needs. */
const documentBounds = { maxDepth: 4, maxKeys: 100, maxTokens: 20_000, integerKeys: [] };
/** Of what is said about a request that is wrong, and may repeat what it said. */
const longestReason = 500;

/** What a query says is meant: where nothing of it could be heeded, it is refused (API-02). */
function withoutQuery({ query }: Pick<KnownCall, "query">, work: () => Promise<Answer>): Promise<Answer> {
  if (query.size === 0) return withFaults(work);
  return Promise.resolve(refusal(400, "QUERY_INVALID", "nothing can be asked in the query here"));
}

function withQuery<Query>(
  { query }: Pick<KnownCall, "query">,
  schema: ObjectSchema<Query>,
  work: (asked: Query) => Promise<Answer>,
): Promise<Answer> {
  const asked = Object.fromEntries(query);
  if (Object.keys(asked).length < query.size)
    return Promise.resolve(refusal(400, "QUERY_INVALID", "something stands in the query twice"));
  const read = schema.safeParse(asked);
  if (!read.success) return Promise.resolve(refusal(400, "QUERY_INVALID", reasonsOf(read.error)));
  return withFaults(() => work(read.data));
}

function withDocument<Asked>(
  { request, query, readBody, maxBodyBytes }: KnownCall & BodyCall,
  schema: ObjectSchema<Asked>,
  work: (asked: Asked) => Promise<Answer>,
): Promise<Answer> {
  // A form of another site can send JSON as text; what announces JSON no site sends without being asked (UI-03).
  if (!/^application\/json(?:;|$)/i.test(request.headers.get("content-type") ?? ""))
    return Promise.resolve(refusal(415, "UNSUPPORTED", "send the document with Content-Type: application/json"));
  return readBody(async (body) => {
    if (!(body instanceof Uint8Array)) return bodyRefusal(body, maxBodyBytes);
    const read = readDocument(body, schema);
    if (typeof read === "string") return refusal(400, "BODY_INVALID", read);
    return withoutQuery({ query }, () => work(read.asked));
  });
}

/** What a document asks, or what is wrong with it. A field that stands there twice is two documents to two readers. */
function readDocument<Asked>(body: Uint8Array, schema: ObjectSchema<Asked>): { readonly asked: Asked } | string {
  try {
    const document = parseBoundedJson(body, { ...documentBounds, uniqueKeys: Object.keys(schema.shape) });
    const read = schema.safeParse(document);
    return read.success ? { asked: read.data } : reasonsOf(read.error);
  } catch (error) {
    if (error instanceof JsonRefusal) return error.message;
    throw error;
  }
}

function bodyRefusal(fault: BodyFault, maxBytes: number): Answer {
  if (fault === "too-large") return refusal(413, "BODY_INVALID", `the document has more than ${maxBytes} bytes`);
  if (fault === "no-room") return refusal(429, "TOOMANYREQUESTS", "too much arrives at once, try again later");
  return refusal(400, "BODY_INVALID", "the document did not arrive whole");
}

function reasonsOf({ issues }: z.ZodError): string {
  return issues
    .slice(0, 5)
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`))
    .join("; ")
    .slice(0, longestReason);
}

const statusOf: Readonly<Partial<Record<AdministrationFault, number>>> = {
  "user-exists": 409,
  "user-unknown": 404,
  "robot-exists": 409,
  "robot-unknown": 404,
  "group-exists": 409,
  "group-unknown": 404,
  "member-unknown": 404,
  "rule-unknown": 404,
  "key-unknown": 404,
  "too-many-keys": 409,
  "last-admin": 409,
};

async function withFaults(work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof AdministrationError)) throw error;
    const code = error.fault.toUpperCase().replaceAll("-", "_");
    return refusal(statusOf[error.fault] ?? 400, code, error.message);
  }
}

function refusal(status: number, code: string, message: string): Answer {
  return jsonAnswer(status, { errors: [{ code, message }] }, uncached);
}
