import { connect } from "node:tls";
import type { Endpoint } from "./connection.ts";

/*
 * Asks for a manifest's head as often as it is answered, in a process of its own: `head-client.ts` reads one job as a line of JSON
 * and answers with a line: how many answers came. It does next to nothing per request, so that the server is what is measured.
 */

/** What to ask for, over how many connections, for how long. */
export interface HeadJob {
  readonly endpoint: Endpoint;
  readonly target: string;
  readonly connections: number;
  readonly forMs: number;
}

/** An answer to HEAD has no body: what follows its head is the next answer's. */
const endOfHead = "\r\n\r\n";

function ask(job: HeadJob): Promise<number> {
  const { endpoint, target } = job;
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const lines = [`HEAD ${target} HTTP/1.1`, "Host: localhost", `Authorization: ${endpoint.authorization}`];
  const question = Buffer.from(
    `${[...lines, "Accept: application/vnd.oci.image.manifest.v1+json"].join("\r\n")}${endOfHead}`,
  );
  const socket = connect({
    host: "127.0.0.1",
    port: endpoint.port,
    servername: "localhost",
    rejectUnauthorized: false,
  });
  let answers = 0;
  let received = "";
  let endsAt = 0;
  socket.on("secureConnect", () => {
    endsAt = performance.now() + job.forMs;
    socket.write(question);
  });
  socket.on("data", (bytes: Buffer) => {
    received += bytes.toString("latin1");
    if (!received.endsWith(endOfHead)) return;
    if (!received.startsWith("HTTP/1.1 200 ")) reject(new Error(`a HEAD was answered with ${received.slice(0, 200)}`));
    received = "";
    answers += 1;
    if (performance.now() < endsAt) socket.write(question);
    else socket.end(() => resolve(answers));
  });
  socket.on("error", reject);
  socket.on("close", () => reject(new Error("the server closed the connection")));
  return promise;
}

if (import.meta.main) {
  const lines = console[Symbol.asyncIterator]();
  const job = JSON.parse((await lines.next()).value ?? "") as HeadJob;
  const answers = await Promise.all(Array.from({ length: job.connections }, () => ask(job)));
  process.stdout.write(`${answers.reduce((sum, each) => sum + each, 0)}\n`);
  process.exit();
}
