import { z } from "zod";
import manifest from "../package.json" with { type: "json" };
import { type ApiRoute, routes } from "../src/api/routes.ts";
import type { JsonShape } from "../src/api/v1/json-endpoint.ts";

/** The HTTP API as an OpenAPI 3.1 document, made from the rows of the route table that have a shape. */
export function openApi(): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    if (route.shape === undefined) continue;
    const path = (paths[route.pattern] ??= {});
    path[route.method.toLowerCase()] = operation(route, route.shape);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "dozo",
      version: manifest.version,
      description:
        "Administration over HTTPS, with the same logins as the registry itself. Documents are at most 64 KiB of JSON; fields and queries that are not named here are refused, and so is a field that stands there twice.",
    },
    security: [{ basic: [] }, { bearer: [] }],
    paths,
    components: {
      securitySchemes: {
        basic: {
          type: "http",
          scheme: "basic",
          description: "A user's name and password, or a name and its access key.",
        },
        bearer: {
          type: "http",
          scheme: "bearer",
          description:
            "An access key. With one that has limits nothing can be administered, but the rules of repositories that it may `admin`; a token of the token service is for images alone.",
        },
      },
      schemas: { Refusal: refusal },
    },
  };
}

const refusal = {
  type: "object",
  required: ["errors"],
  properties: {
    errors: {
      type: "array",
      items: {
        type: "object",
        required: ["code", "message"],
        properties: { code: { type: "string" }, message: { type: "string" } },
      },
    },
  },
};

const refusals: Readonly<Record<string, string>> = {
  400: "The document is not what is asked for, or says something that cannot be.",
  401: "Nobody is logged in, or the credential does not count.",
  403: "Whoever asks may not do this.",
  404: "There is no such thing.",
  409: "It is there already, or has to stay.",
  413: "The document is too large.",
  415: "The document is not announced as application/json.",
  429: "Too much at once, or too many failed logins.",
};

const whose: Readonly<Partial<Record<ApiRoute["action"], string>>> = {
  admin: "For who may `admin` the repository.",
  administer: "For admins of the registry.",
  keys: "For people who are logged in with their password: an access key makes no others.",
};

function operation({ id, action, pattern }: ApiRoute, { summary, query, asks, status, answers }: JsonShape): object {
  const inPath = [...pattern.matchAll(/\{([a-z]+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
    ...(name === "name" ? { description: "The repository; it may have slashes." } : {}),
  }));
  const parameters = [...inPath, ...(query === undefined ? [] : queryParameters(query))];
  return {
    operationId: id,
    summary,
    description: whose[action] ?? "For who is logged in.",
    ...(action === "keys" ? { security: [{ basic: [] }] } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(asks === undefined ? {} : { requestBody: { required: true, content: json(schemaOf(asks, "input")) } }),
    responses: {
      [status]: {
        description: "Done.",
        ...(answers === undefined ? {} : { content: json(schemaOf(answers, "output")) }),
      },
      ...Object.fromEntries(Object.entries(refusals).map(([code, description]) => [code, refused(description)])),
    },
  };
}

function queryParameters(query: z.ZodType): readonly object[] {
  const { properties = {} } = schemaOf(query, "input") as { readonly properties?: Record<string, object> };
  return Object.entries(properties).map(([name, schema]) => ({ name, in: "query", required: false, schema }));
}

function refused(description: string): object {
  return { description, content: json({ $ref: "#/components/schemas/Refusal" }) };
}

function json(schema: object): object {
  return { "application/json": { schema } };
}

function schemaOf(schema: z.ZodType, io: "input" | "output"): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
}
