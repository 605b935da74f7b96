import { afterAll, beforeAll, expect, test } from "bun:test";
import { z } from "zod";
import { openApi } from "../../scripts/openapi.ts";
import { administrativeRequests, type AdministrativeRequest } from "./administrative-requests.ts";
import { type CertificateRegistry, startRegistry } from "./client-certificates.ts";

interface Operation {
  readonly operationId: string;
  readonly responses: Readonly<
    Record<string, { readonly content?: { readonly "application/json": { readonly schema: object } } }>
  >;
}

const { paths, components } = openApi() as {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: { readonly Refusal: object } };
};
const operations = Object.values(paths).flatMap((methods) => Object.values(methods));
const refusal = z.fromJSONSchema(components.schemas.Refusal as z.core.JSONSchema.JSONSchema);
const alice = `Basic ${btoa("alice:secret of alice")}`;
let registry: CertificateRegistry;
let requests: readonly AdministrativeRequest[];

/** Everything that the requests are about is there; what takes it away comes last. */
beforeAll(async () => {
  registry = await startRegistry({ listen: ["http://127.0.0.1:0"] });
  const { administration } = registry.app;
  await administration.addUser({ name: "maria", password: "secret of maria", isAdmin: false });
  await administration.groups.add("crew");
  await administration.groups.join("crew", ["bob"]);
  await administration.robots.add({ name: "spare", owner: undefined, expiresAt: undefined });
  const rule = { effect: "allow", who: "bob", actions: ["pull"] } as const;
  const { rule: general } = await administration.addRule({ ...rule, repositories: "**" });
  const { rule: ofRepository } = await administration.addRule({ ...rule, repositories: "team/app" });
  const newKey = { repositories: ["team/*"], actions: ["pull"], lifetimeMs: 60_000 };
  const keys = [await administration.createKey("alice", newKey), await administration.createKey("bob", newKey)];
  const objects: Readonly<Record<string, string>> = {
    "user-change": "bob",
    "user-remove": "maria",
    "group-remove": "crew",
    "group-join": "crew",
    "group-leave": "crew",
    "robot-remove": "spare",
    "rule-remove": general.id,
    "repository-rule-remove": ofRepository.id,
    "own-key-remove": keys[0]?.id ?? "",
    "key-remove": keys[1]?.id ?? "",
  };
  requests = administrativeRequests("OBJECT")
    .map((request) => ({ ...request, path: request.path.replace("OBJECT", objects[request.id] ?? "OBJECT") }))
    .toSorted((one, other) => Number(one.method === "DELETE") - Number(other.method === "DELETE"));
});
afterAll(() => registry.stop());

async function ask({ method, path, document }: AdministrativeRequest, authorization?: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${registry.port}/api/v1${path}`, {
    method,
    headers: { "content-type": "application/json", ...(authorization === undefined ? {} : { authorization }) },
    ...(document === undefined ? {} : { body: JSON.stringify(document) }),
  });
}

/** What the document says of an answer; undefined where it says that there is nothing in it. */
function schemaOf(id: string, status: number): object | undefined {
  const responses = operations.find(({ operationId }) => operationId === id)?.responses ?? {};
  expect(`${id} ${Object.keys(responses).includes(String(status))}`).toBe(`${id} true`);
  return responses[status]?.content?.["application/json"].schema;
}

test("every row answers what the document says, in its form, to who may", async () => {
  for (const request of requests) {
    const answer = await ask(request, alice);
    const text = await answer.text();
    expect(`${request.id} ${answer.status} ${answer.ok ? "" : text}`).toBe(`${request.id} ${answer.status} `);
    const schema = schemaOf(request.id, answer.status);
    if (schema === undefined) expect(`${request.id} ${text}`).toBe(`${request.id} `);
    else {
      const read = z.fromJSONSchema(schema as z.core.JSONSchema.JSONSchema).safeParse(JSON.parse(text));
      expect(`${request.id} ${read.error?.message}`).toBe(`${request.id} undefined`);
    }
    expect(answer.headers.get("cache-control")).toBe("no-store");
  }
});

test("every row refuses in the form of the document: strangers, what is not there, and what means nothing", async () => {
  for (const request of requests) {
    const answers = [await ask(request), await ask({ ...request, path: `${request.path}?nothing` }, alice)];
    if (request.document !== undefined) answers.push(await ask({ ...request, document: { nothing: 1 } }, alice));
    if (request.method === "DELETE") answers.push(await ask(request, alice));
    for (const answer of answers) {
      expect(`${request.id} ${answer.ok}`).toBe(`${request.id} false`);
      expect(schemaOf(request.id, answer.status)).toEqual({ $ref: "#/components/schemas/Refusal" });
      expect(refusal.safeParse(await answer.json()).success).toBe(true);
    }
  }
});
