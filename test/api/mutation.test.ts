import { afterAll, beforeAll, expect, test } from "bun:test";
import { digestOf } from "../../src/core/digest.ts";
import { type Listener, listen } from "../../src/http/listener.ts";
import { imageManifest, pushImage } from "./content.ts";
import { RawClient } from "./raw-client.ts";
import { credentialsOf, makeRegistry, type TestRegistry } from "./registry.ts";

const mutations = 20_000;
const parallel = 8;
const maxHangMs = 5000;
const seed = Number(process.env["DOZO_TEST_SEED"] ?? Date.now() % 1_000_000);

const empty = digestOf(new TextEncoder().encode("{}"));
const manifest = imageManifest(empty, 2);
const head = `Host: localhost:5000\r\nAuthorization: ${credentialsOf("alice")}\r\n`;
const docker = `${head}User-Agent: docker/29.0.0 go/go1.26 kernel/6.1 os/linux arch/amd64\r\nAccept-Encoding: gzip\r\nConnection: close\r\n`;
const podman = `${head}User-Agent: containers/5.36 (github.com/containers/image)\r\nDocker-Distribution-Api-Version: registry/2.0\r\n`;

/** What docker, podman, skopeo and containerd send in a push and a pull. */
const corpus = [
  `GET /v2/ HTTP/1.1\r\n${docker}\r\n`,
  `HEAD /v2/a/blobs/${empty} HTTP/1.1\r\n${docker}\r\n`,
  `POST /v2/a/blobs/uploads/ HTTP/1.1\r\n${docker}Content-Length: 0\r\n\r\n`,
  `POST /v2/a/blobs/uploads/?digest=${encodeURIComponent(empty)} HTTP/1.1\r\n${podman}Content-Length: 2\r\n\r\n{}`,
  `POST /v2/b/blobs/uploads/?from=a&mount=${encodeURIComponent(empty)} HTTP/1.1\r\n${docker}Content-Length: 0\r\n\r\n`,
  `PATCH /v2/a/blobs/uploads/01ARZ3NDEKTSV4RRFFQ69G5FAV HTTP/1.1\r\n${docker}Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  `PUT /v2/a/blobs/uploads/01ARZ3NDEKTSV4RRFFQ69G5FAV?digest=${empty} HTTP/1.1\r\n${docker}Content-Length: 0\r\n\r\n`,
  `PUT /v2/a/manifests/v1 HTTP/1.1\r\n${podman}Content-Type: application/vnd.oci.image.manifest.v1+json\r\nContent-Length: ${manifest.length}\r\n\r\n${manifest}`,
  `GET /v2/a/manifests/v1 HTTP/1.1\r\n${docker}Accept: application/vnd.oci.image.index.v1+json, */*\r\n\r\n`,
  `GET /v2/a/blobs/${empty} HTTP/1.1\r\n${docker}Range: bytes=0-\r\n\r\n`,
  `GET /v2/a/tags/list?n=100&last=v0 HTTP/1.1\r\n${podman}\r\n`,
  `GET /v2/a/referrers/${empty}?artifactType=application%2Fjson HTTP/1.1\r\n${docker}\r\n`,
  `GET /v1/search?q=a&n=25 HTTP/1.1\r\n${docker}\r\n`,
  `DELETE /v2/a/manifests/v2 HTTP/1.1\r\n${podman}\r\n`,
];

let registry: TestRegistry;
let listener: Listener;

beforeAll(async () => {
  registry = makeRegistry();
  await pushImage(registry, "a", "v1");
  listener = listen({ address: { host: "127.0.0.1", port: 0 }, tls: undefined, handle: registry.handle });
});

afterAll(async () => {
  await listener.stop(0);
});

/** mulberry32: the same numbers for the same seed. */
function randomNumbers(start: number): (below: number) => number {
  let state = start;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) % below;
  };
}

function mutated(random: (below: number) => number): string {
  const pick = (): string => corpus[random(corpus.length)] ?? "";
  let text = pick();
  for (let count = random(4); count >= 0; count--) {
    const at = random(text.length);
    const kind = random(5);
    if (kind === 0) text = text.slice(0, at) + String.fromCharCode(random(256)) + text.slice(at + 1);
    else if (kind === 1) text = text.slice(0, at) + text.slice(at + random(20));
    else if (kind === 2) text = text.slice(0, at) + text.slice(at - random(40), at) + text.slice(at);
    else if (kind === 3) text = text.slice(0, at) + pick().slice(random(200));
    else text = shuffled(text, random);
  }
  return text;
}

function shuffled(text: string, random: (below: number) => number): string {
  const end = text.indexOf("\r\n\r\n");
  const [line = "", ...headers] = text.slice(0, end < 0 ? text.length : end).split("\r\n");
  const [moved = ""] = headers.splice(random(Math.max(1, headers.length)), 1);
  headers.splice(random(headers.length + 1), 0, moved);
  return [line, ...headers].join("\r\n") + (end < 0 ? "" : text.slice(end));
}

/** Sends one text, ends the sending side, and answers everything that came back; rejects when the server hangs. */
async function send(text: string): Promise<string> {
  const client = await RawClient.open({ port: listener.port ?? 0 });
  client.write(text);
  client.socket.end();
  return client.untilClosed(maxHangMs);
}

test(`RAW-08: ${mutations} mutated requests (DOZO_TEST_SEED=${seed}) make nothing hang and nothing fail`, async () => {
  const random = randomNumbers(seed);
  const statuses = new Map<string, number>();
  let sent = 0;
  const worker = async (): Promise<void> => {
    while (sent++ < mutations) {
      const text = mutated(random);
      const received = await send(text).catch((error: Error) => {
        throw new Error(`${error.message}: ${JSON.stringify(text)}`);
      });
      const status = received.slice(9, 12);
      if (status.startsWith("5") && status !== "505") throw new Error(`${received} to ${JSON.stringify(text)}`);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };

  await Promise.all(Array.from({ length: parallel }, worker));

  expect(registry.lines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
  expect([...statuses.keys()]).toContain("200");
  expect((await registry.call("HEAD", "/v2/a/manifests/v1")).status).toBe(200);
}, 120_000);
