import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import type { SwapResult } from "./swap-run.ts";

// TLS-04: the certificate is replaced a thousand times while clients work, in two network namespaces at once. They differ in
// whether the kernel gives the half-open connections of a listener that ends to another one (net.ipv4.tcp_migrate_req).

setDefaultTimeout(180_000);

const swaps = 1000;

async function runIn(migratesRequests: 0 | 1): Promise<SwapResult> {
  const line = `ip link set lo up; sysctl -qw net.ipv4.tcp_migrate_req=${migratesRequests}; exec "$@"`;
  const script = join(import.meta.dir, "swap-run.ts");
  const command = ["unshare", "--net", "sh", "-c", line, "sh", process.execPath, script, String(swaps)];
  const child = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  return JSON.parse(await new Response(child.stdout).text()) as SwapResult;
}

let results: readonly { readonly title: string; readonly result: SwapResult }[];
beforeAll(async () => {
  const [without, with_] = await Promise.all([runIn(0), runIn(1)]);
  results = [
    { title: "tcp_migrate_req = 0", result: without },
    { title: "tcp_migrate_req = 1", result: with_ },
  ];
  for (const { title, result } of results) {
    const { pulls, pushes, slowDownloads, connections, reset, broken } = result;
    const work = `${pulls} pulls, ${pushes} pushes, ${slowDownloads} slow downloads, ${connections} connections`;
    process.stdout.write(`${title}: ${swaps} swaps, ${work}: ${reset} reset, ${broken.length} broken\n`);
  }
});

describe("a thousand swaps of the certificate under load", () => {
  test("break no established connection", () => {
    for (const { result } of results) {
      expect(result.broken).toEqual([]);
      expect(Math.min(result.pulls, result.pushes, result.lateRequests)).toBeGreaterThan(20);
      expect(result.slowDownloads).toBeGreaterThan(5);
    }
  });

  test("reset no connection that is just being accepted, where the kernel hands those over", () => {
    expect(results.find(({ title }) => title.endsWith("1"))?.result.reset).toBe(0);
  });

  test("leave no descriptor and no memory behind", () => {
    for (const { result } of results) {
      const { descriptors, grownBytes } = result;
      // Its own, those of the clients, and so many listeners as may wait for their end.
      expect(Math.max(...descriptors)).toBeLessThan(120);
      expect(grownBytes).toBeLessThan(16 * 1024 ** 2);
    }
  });
});
