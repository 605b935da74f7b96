import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { maxBodyBytes } from "../../src/api/body-limit.ts";
import { routes } from "../../src/api/routes.ts";
import { defaultLimits } from "../../src/core/limits.ts";
import { passwordOf, makeWorld, type World } from "./world.ts";
import { closed } from "./words.ts";

let world: World;

beforeAll(async () => {
  world = await makeWorld(closed);
});

afterAll(() => world.close());

const keyOf = ({ method, pattern }: (typeof routes)[number]): string => `${method} ${pattern}`;

function typeOf({ body }: (typeof routes)[number]): string {
  return body === "form" || body === "page-form" ? "application/x-www-form-urlencoded" : "application/json";
}

/** A request of the row with a body, as root or as nobody. */
async function send(
  row: (typeof routes)[number],
  body: Uint8Array,
  { isChunked = false, isRoot = true }: { readonly isChunked?: boolean; readonly isRoot?: boolean } = {},
): Promise<{ readonly request: Request; readonly status: number }> {
  const path = row.pattern.replace("{name}", "a/app").replaceAll(/\{[a-z]+\}/g, "01ARZ3NDEKTSV4RRFFQ69G5FAV");
  const headers = new Headers({ host: "registry.test", "content-type": typeOf(row) });
  // A page's form is read of a browser alone that has been given one.
  if (isRoot && row.body === "page-form") {
    headers.set("sec-fetch-site", "same-origin");
    headers.set("cookie", "__Host-dozo-form=x");
  }
  // Who asks for a token by a form says in it who it is.
  if (isRoot && row.action !== "token") headers.set("authorization", `Basic ${btoa(`root:${passwordOf("root")}`)}`);
  if (isChunked) headers.set("transfer-encoding", "chunked");
  else headers.set("content-length", String(body.byteLength));
  // A request for GET cannot be made with a body; a client can send one.
  const request = new Request(`http://registry.test${path}`, { method: "POST", headers, body: body as BodyInit });
  Object.defineProperty(request, "method", { value: row.method });
  return { request, status: (await world.handle(request, { address: "192.0.2.1" })).status };
}

describe("DOS-04: a body", () => {
  const rows = routes.filter(({ body }) => body !== "none" && body !== "blob");

  test.each(rows.map((row) => [keyOf(row), row] as const))(
    "of %s is read up to its row's limit, and not beyond",
    async (_key, row) => {
      const maxBytes = maxBodyBytes(row.body, defaultLimits);
      const tooLarge = new Uint8Array(maxBytes + 1).fill(32);

      expect((await send(row, tooLarge)).status).toBe(413);
      expect((await send(row, tooLarge, { isChunked: true })).status).toBe(413);
      // What is no page's form is seen by its token, before it is asked what it says.
      expect((await send(row, tooLarge.subarray(1))).status).toBe(row.body === "page-form" ? 403 : 400);
    },
  );

  test("that no row takes in is not read", async () => {
    for (const row of routes.filter(({ body }) => body === "none"))
      expect(`${keyOf(row)} ${(await send(row, new Uint8Array(10))).request.bodyUsed}`).toBe(`${keyOf(row)} false`);
  });

  test("DOS-05: of somebody who is not logged in is not read", async () => {
    for (const row of routes.filter(({ body, action }) => body !== "none" && action !== "token")) {
      const { request, status } = await send(row, new Uint8Array(10), { isRoot: false });

      const refusal = row.body === "page-form" ? 403 : 401;
      expect(`${keyOf(row)} ${status} ${request.bodyUsed}`).toBe(`${keyOf(row)} ${refusal} false`);
    }
  });
});
