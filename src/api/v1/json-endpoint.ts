import type { z } from "zod";
import { type AdministrationFault, AdministrationError } from "../../core/administration.ts";
import { type Answer, emptyAnswer, jsonAnswer } from "../../http/answer.ts";
import type { BodyFault } from "../../http/request-body.ts";
import type { ApiParts, BodyCall, ChosenCall } from "../call.ts";

/** What a client has to know of an endpoint: `docs/reference/openapi.json` is made of it. */
export interface JsonShape {
  readonly summary: string;
  readonly asks: z.ZodType | undefined;
  readonly status: 200 | 201 | 204;
  readonly answers: z.ZodType | undefined;
}

/** The part of a route's row that an endpoint brings. */
interface JsonEndpoint<Body extends "none" | "json", Given extends ChosenCall> {
  readonly body: Body;
  readonly shape: JsonShape;
  readonly handler: (parts: ApiParts, call: Given) => Promise<Answer>;
}

interface Telling<Given, Told> {
  readonly summary: string;
  readonly answers: z.ZodType<Told>;
  readonly work: (parts: ApiParts, call: Given) => Promise<Told>;
}

interface Asking<Given, Asked, Told> {
  readonly summary: string;
  readonly asks: z.ZodType<Asked>;
  readonly status: 200 | 201;
  readonly answers: z.ZodType<Told>;
  readonly work: (parts: ApiParts, call: Given, asked: Asked) => Promise<Told>;
}

interface Changing<Given, Asked> {
  readonly summary: string;
  readonly asks: z.ZodType<Asked>;
  readonly work: (parts: ApiParts, call: Given, asked: Asked) => Promise<void>;
}

interface Doing<Given> {
  readonly summary: string;
  readonly work: (parts: ApiParts, call: Given) => Promise<void>;
}

/** An endpoint that answers something, and is asked without a body. */
export function telling<Given extends ChosenCall, Told>(endpoint: Telling<Given, Told>): JsonEndpoint<"none", Given> {
  const { summary, answers, work } = endpoint;
  return {
    body: "none",
    shape: { summary, asks: undefined, status: 200, answers },
    handler: (parts, call) => withFaults(async () => jsonAnswer(200, await work(parts, call), uncached)),
  };
}

/** An endpoint that answers something about the document that it is sent. */
export function asking<Given extends ChosenCall, Asked, Told>(
  endpoint: Asking<Given, Asked, Told>,
): JsonEndpoint<"json", Given & BodyCall> {
  const { summary, asks, status, answers, work } = endpoint;
  return {
    body: "json",
    shape: { summary, asks, status, answers },
    handler: (parts, call) =>
      withDocument(call, asks, async (asked) => jsonAnswer(status, await work(parts, call, asked), uncached)),
  };
}

/** An endpoint that does what a document says, of which there is nothing to tell. */
export function changing<Given extends ChosenCall, Asked>(
  endpoint: Changing<Given, Asked>,
): JsonEndpoint<"json", Given & BodyCall> {
  const { summary, asks, work } = endpoint;
  return {
    body: "json",
    shape: { summary, asks, status: 204, answers: undefined },
    handler: (parts, call) =>
      withDocument(call, asks, async (asked) => {
        await work(parts, call, asked);
        return emptyAnswer(204, uncached);
      }),
  };
}

/** An endpoint that does something by being called. */
export function doing<Given extends ChosenCall>({ summary, work }: Doing<Given>): JsonEndpoint<"none", Given> {
  return {
    body: "none",
    shape: { summary, asks: undefined, status: 204, answers: undefined },
    handler: (parts, call) =>
      withFaults(async () => {
        await work(parts, call);
        return emptyAnswer(204, uncached);
      }),
  };
}

/** Answers of this API are about people: no cache keeps them. */
const uncached = { "Cache-Control": "no-store" };

function withDocument<Asked>(
  { request, readBody, maxBodyBytes }: ChosenCall & BodyCall,
  schema: z.ZodType<Asked>,
  work: (asked: Asked) => Promise<Answer>,
): Promise<Answer> {
  // A form of another site can send JSON as text; what announces JSON no site sends without being asked (UI-03).
  if (!/^application\/json(?:;|$)/i.test(request.headers.get("content-type") ?? ""))
    return Promise.resolve(refusal(415, "UNSUPPORTED", "send the document with Content-Type: application/json"));
  return readBody(async (body) => {
    if (!(body instanceof Uint8Array)) return bodyRefusal(body, maxBodyBytes);
    const read = schema.safeParse(parsed(body));
    if (!read.success) return refusal(400, "BODY_INVALID", reasonsOf(read.error));
    return withFaults(() => work(read.data));
  });
}

function bodyRefusal(fault: BodyFault, maxBytes: number): Answer {
  if (fault === "too-large") return refusal(413, "BODY_INVALID", `the document has more than ${maxBytes} bytes`);
  if (fault === "no-room") return refusal(429, "TOOMANYREQUESTS", "too much arrives at once, try again later");
  return refusal(400, "BODY_INVALID", "the document did not arrive whole");
}

/** Undefined where the bytes are no JSON, which no schema takes. */
function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)) as unknown;
  } catch {
    return undefined;
  }
}

function reasonsOf({ issues }: z.ZodError): string {
  return issues
    .slice(0, 5)
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`))
    .join("; ");
}

const statusOf: Readonly<Partial<Record<AdministrationFault, number>>> = {
  "user-exists": 409,
  "user-unknown": 404,
  "rule-unknown": 404,
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
