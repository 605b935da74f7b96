import { expect, test } from "bun:test";
import { createServer } from "node:net";
import { findFreePort } from "./chosen-port.ts";
import { findPortHolder } from "./port-holder.ts";

test("who listens on a port is named, and a free port has no holder", async () => {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const { port } = server.address() as { port: number };

  expect(findPortHolder(port)?.pid).toBe(process.pid);
  expect(await findFreePort("127.0.0.1", port)).toBeGreaterThan(port);
  const closed = Promise.withResolvers<void>();
  server.close(() => closed.resolve());
  await closed.promise;
  expect(findPortHolder(port)).toBeUndefined();
  expect(await findFreePort("127.0.0.1", port)).toBe(port);
});
