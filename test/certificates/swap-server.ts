// A registry in memory behind a listener with TLS, whose certificate is replaced by the next of a few that were made before, each
// time a line comes on standard input. Says its port as a line, and one line for each swap. In the end it does so once more,
// where nothing else uses memory, and says how many bytes that took.
import { createInterface } from "node:readline";
import { listen } from "../../src/http/listener.ts";
import { createAuthority, createServerKey, issueServerCertificate } from "../../src/pki/certificate-authority.ts";
import { makeRegistry } from "../api/registry.ts";

const now = Date.now();
const authority = await createAuthority({ hostNames: ["localhost"], suffixes: [], publicAddresses: [] }, now);
const keyPem = await createServerKey();
const made = await Promise.all(
  Array.from({ length: 4 }, async () => ({
    certificatePem: await issueServerCertificate(authority, { names: ["localhost"], serverKeyPem: keyPem, now }),
    keyPem,
  })),
);
const material = (swap: number): typeof made => [made[swap % made.length] ?? { certificatePem: "", keyPem }];
const { handle } = makeRegistry({ uploadsPerPrincipal: 1000 });
const listener = listen({ address: { host: "127.0.0.1", port: 0 }, tls: material(0), handle, retirementMs: 1000 });
process.stdout.write(`${listener.port ?? 0}\n`);
let swaps = 0;
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "") break;
  listener.replaceCertificate(material(++swaps));
  process.stdout.write("swapped\n");
}
await listener.stop(1000);
process.stdout.write(`${await growth()}\n`);
process.exit(0);

/** Of the resident memory, by a thousand swaps after the first few hundred. */
async function growth(): Promise<number> {
  const idle = listen({ address: { host: "127.0.0.1", port: 0 }, tls: material(0), handle, retirementMs: 5 });
  const swapOften = async (times: number): Promise<number> => {
    for (let swap = 0; swap < times; swap++) {
      idle.replaceCertificate(material(swap));
      await Bun.sleep(1);
    }
    Bun.gc(true);
    return process.memoryUsage.rss();
  };
  const before = await swapOften(300);
  const after = await swapOften(1000);
  await idle.stop(0);
  return after - before;
}
