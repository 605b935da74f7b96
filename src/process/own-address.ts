import { createServer, isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { ExplainedError } from "./explained-error.ts";

/**
 * Throws `ExplainedError` where the system will not let a program listen on this address because the machine has no such one; a
 * name passes. Asked of the system, which may be told to allow it (ip(7), ip_nonlocal_bind), and on no certain port.
 */
export async function assertOwnAddress(host: string): Promise<void> {
  if (isIP(host) === 0) return;
  const probe = createServer();
  const { promise, resolve } = Promise.withResolvers<NodeJS.ErrnoException | undefined>();
  probe.once("error", resolve).listen(0, host, () => resolve(undefined));
  const error = await promise;
  probe.close();
  if (error?.code !== "EADDRNOTAVAIL") return;
  const own = Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => address));
  throw new ExplainedError(
    `this machine has no address ${host}`,
    `dozo up --listen 0.0.0.0:PORT listens on all that it has; these are: ${own.filter((each) => !each.startsWith("fe80:")).join(", ")}`,
    error,
  );
}
