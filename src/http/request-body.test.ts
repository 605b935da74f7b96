import { expect, test } from "bun:test";
import { type BodyFault, BodyReader } from "./request-body.ts";

interface SentBody {
  readonly request: Request;
  readonly send: (sizeBytes: number) => void;
  readonly end: () => void;
}

function sentBody(): SentBody {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start(given) {
      controller = given;
    },
  });
  const headers = { "transfer-encoding": "chunked" };
  return {
    request: new Request("http://registry/", { method: "PUT", headers, body }),
    send: (sizeBytes) => controller?.enqueue(new Uint8Array(sizeBytes)),
    end: () => controller?.close(),
  };
}

function whole(sizeBytes: number): Request {
  const sent = sentBody();
  sent.send(sizeBytes);
  sent.end();
  return sent.request;
}

async function outcome(body: Uint8Array | BodyFault): Promise<number | BodyFault> {
  return body instanceof Uint8Array ? body.byteLength : body;
}

test("a body that is larger than it may be is refused", async () => {
  const bodies = new BodyReader(1000);

  expect(await bodies.with(whole(100), 100, outcome)).toBe(100);
  expect(await bodies.with(whole(101), 100, outcome)).toBe("too-large");
});

test("all bodies together take no more memory than they may, until their work has ended", async () => {
  const bodies = new BodyReader(1000, 250);
  const working = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const first = bodies.with(whole(200), 1000, async () => {
    begun.resolve();
    await working.promise;
  });
  await begun.promise;

  expect(await bodies.with(whole(50), 1000, outcome)).toBe(50);
  expect(await bodies.with(whole(51), 1000, outcome)).toBe("no-room");
  working.resolve();
  await first;
  expect(await bodies.with(whole(250), 1000, outcome)).toBe(250);
});

test("work that fails gives its room back", async () => {
  const bodies = new BodyReader(1000, 100);

  const failed = bodies.with(whole(100), 1000, () => Promise.reject(new Error("no")));

  expect(await failed.catch((error: unknown) => String(error))).toBe("Error: no");
  expect(await bodies.with(whole(100), 1000, outcome)).toBe(100);
});

test("a body that falls silent is given up", async () => {
  const sent = sentBody();
  sent.send(10);

  expect(await new BodyReader(5).with(sent.request, 100, outcome)).toBe("silent");
});
