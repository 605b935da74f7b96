// A man in the middle, as a program of its own, so that it runs on a machine: `impostor-program.ts WAY ADDRESS PORT SERVER …`.
//   answers CERTIFICATE KEY SCRIPT   ends TLS with a certificate of its own and answers every request with its own script
//   relays CERTIFICATE KEY SCRIPT    ends TLS so too, and passes on what the server answers, with its own script before it
//   cuts BYTES                       passes the bytes on as they are, and hangs up after so many of them from the server
import { readFileSync } from "node:fs";
import { createServer, connect } from "node:net";

const [way, address = "", port = "", server = "", ...rest] = process.argv.slice(2);
const listener = { hostname: address, port: Number(port) };

function endTls([certificate = "", key = "", script = ""]: readonly string[], isRelay: boolean): void {
  Bun.serve({
    ...listener,
    tls: { cert: readFileSync(certificate), key: readFileSync(key) },
    async fetch(request) {
      if (!isRelay) return new Response(script);
      const { pathname } = new URL(request.url);
      const answer = await fetch(`https://${server}:${port}${pathname}`, { tls: { rejectUnauthorized: false } });
      return new Response(script + (await answer.text()), { status: answer.status });
    },
  });
}

function cut(maxBytes: number): void {
  createServer((client) => {
    let leftBytes = maxBytes;
    const upstream = connect(Number(port), server);
    const hangUp = (): void => {
      client.destroy();
      upstream.destroy();
    };
    client
      .on("data", (bytes) => upstream.write(bytes))
      .on("error", hangUp)
      .on("close", hangUp);
    upstream.on("error", hangUp).on("close", hangUp);
    upstream.on("data", (bytes: Buffer) => {
      const some = bytes.subarray(0, leftBytes);
      leftBytes -= some.length;
      client.write(some, () => {
        if (leftBytes === 0) hangUp();
      });
    });
  }).listen(Number(port), address);
}

if (way === "cuts") cut(Number(rest[0]));
else endTls(rest, way === "relays");
process.stdout.write("in the middle\n");
