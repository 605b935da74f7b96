import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type AnswerHead, Connection } from "../load/connection.ts";
import { Content } from "../load/content.ts";
import { freePort } from "../load/peers.ts";
import { expectStatus, locationOf, pushBlob, startUpload, withDigest } from "../load/push-pull.ts";
import { answersOf, type TracedChange, violations } from "./order-rules.ts";
import { RegistryProcess } from "./registry-process.ts";
import { parseTrace } from "./system-calls.ts";

const traced =
  "openat,mkdir,mkdirat,write,writev,pwrite64,pwritev,pwritev2,ftruncate,fsync,fdatasync," +
  "rename,renameat,renameat2,link,linkat,unlink,unlinkat,sendto,sendmsg";
const mediaType = "application/vnd.oci.image.manifest.v1+json";
const repository = "order/source";

/** What the linter saw: how many acknowledged changes, and what of them was acknowledged too early. */
export interface OrderReport {
  readonly changes: number;
  readonly violations: readonly string[];
}

/** A client that makes one change after the other and remembers which answer belongs to which. */
class TracedClient {
  readonly connection: Connection;
  /** One entry for each answer that came; undefined where nothing was acknowledged that has to last. */
  readonly answers: (TracedChange | undefined)[] = [];

  constructor(connection: Connection) {
    this.connection = connection;
  }

  async change(what: string, hasFile: boolean, before: number, run: () => Promise<unknown>): Promise<void> {
    await run();
    for (let answer = 0; answer < before; answer += 1) this.answers.push(undefined);
    this.answers.push({ what, hasFile });
  }
}

/**
 * Runs every flow that acknowledges something against a real server under strace, without TLS so that the answers can be
 * read, and checks the order of its system calls. `folder` is the caller's to remove.
 */
export async function runOrder(folder: string): Promise<OrderReport> {
  const port = await freePort();
  const first = await RegistryProcess.start(folder, port, { scheme: "http" });
  await first.untilSelfTested(1);
  await first.stop();
  const file = join(folder, "trace");
  const under = ["strace", "-f", "-y", "-s", "300", "-qq", "--seccomp-bpf", "-e", `trace=${traced}`, "-o", file];
  const registry = await RegistryProcess.start(folder, port, { scheme: "http", under });
  await registry.untilSelfTested(2);
  const client = new TracedClient(await Connection.open(registry.endpoint));
  try {
    await pushBlobs(client);
    await pushManifests(client);
    client.connection.close();
  } finally {
    await registry.stop();
  }
  const calls = parseTrace(readFileSync(file, "utf8"));
  const answers = answersOf(calls);
  const offset = answers.length - client.answers.length;
  const found = client.answers.flatMap((change, index) => {
    const answer = answers[offset + index];
    if (change === undefined) return [];
    if (answer === undefined) return [`${change.what}: its answer was not seen`];
    return violations(change, calls, answers[offset + index - 1], answer);
  });
  return { changes: client.answers.filter((change) => change !== undefined).length, violations: found };
}

async function pushBlobs(client: TracedClient): Promise<void> {
  const { connection } = client;
  for (const [size, sizeBytes] of [
    ["small", 1000],
    ["large", 3_000_000],
  ] as const) {
    const hasFile = size === "large";
    const content = (flow: string): Content => new Content(`order ${flow} ${size}`, sizeBytes);
    const put = content("put");
    await client.change(`POST and PUT of a ${size} blob`, hasFile, 1, () =>
      pushBlob(connection, repository, put, put.digest(), "put"),
    );
    const streamed = content("docker");
    await client.change(`POST, PATCH and PUT of a ${size} blob`, hasFile, 2, () =>
      pushBlob(connection, repository, streamed, streamed.digest(), "docker"),
    );
    await client.change(`one POST of a ${size} blob`, hasFile, 0, () => pushWhole(connection, content("post")));
    await client.change(`POST, three PATCHes and PUT of a ${size} blob`, hasFile, 4, () =>
      pushInChunks(connection, content("chunks")),
    );
  }
}

async function pushManifests(client: TracedClient): Promise<void> {
  const { connection } = client;
  const request = async (status: number, ...args: Parameters<Connection["request"]>): Promise<AnswerHead> => {
    const answer = await connection.request(...args);
    expectStatus(`${args[0]} ${args[1]}`, answer, status);
    return answer;
  };
  const content = new Content("order put small", 1000);
  const from = `/v2/order/target/blobs/uploads/?mount=${content.digest()}&from=${repository}`;
  await client.change("a mount", false, 0, () => request(201, "POST", from, { body: "" }));
  const layer = { mediaType: "application/vnd.oci.image.layer.v1.tar", digest: content.digest(), size: 1000 };
  const body = JSON.stringify({ schemaVersion: 2, mediaType, config: layer, layers: [layer] });
  const digest = `sha256:${new Bun.CryptoHasher("sha256").update(body).digest("hex")}`;
  const manifests = `/v2/${repository}/manifests`;
  const put = { headers: { "Content-Type": mediaType }, body };
  await client.change("PUT of a manifest by tag", false, 0, () => request(201, "PUT", `${manifests}/one`, put));
  await client.change("PUT of a manifest with tags", false, 0, () =>
    request(201, "PUT", `${manifests}/${digest}?tag=two&tag=three`, put),
  );
  await client.change("DELETE of a tag", false, 0, () => request(202, "DELETE", `${manifests}/two`));
  await client.change("DELETE of a manifest", false, 0, () => request(202, "DELETE", `${manifests}/${digest}`));
  await client.change("DELETE of a blob", false, 0, () =>
    request(202, "DELETE", `/v2/order/target/blobs/${content.digest()}`),
  );
}

async function pushWhole(connection: Connection, content: Content): Promise<void> {
  const target = withDigest(`/v2/${repository}/blobs/uploads/`, content.digest());
  const body = Buffer.concat([...content.parts(0, content.sizeBytes)]);
  expectStatus("POST of a blob", await connection.request("POST", target, { body }), 201);
}

async function pushInChunks(connection: Connection, content: Content): Promise<void> {
  let target = await startUpload(connection, repository);
  const chunkBytes = Math.ceil(content.sizeBytes / 3);
  for (let start = 0; start < content.sizeBytes; start += chunkBytes) {
    const end = Math.min(content.sizeBytes, start + chunkBytes);
    const body = Buffer.concat([...content.parts(start, end)]);
    const headers = { "Content-Range": `${start}-${end - 1}` };
    const answer = await connection.request("PATCH", target, { headers, body });
    expectStatus("PATCH of a chunk", answer, 202);
    target = locationOf(answer);
  }
  expectStatus("PUT", await connection.request("PUT", withDigest(target, content.digest()), { body: "" }), 201);
}
