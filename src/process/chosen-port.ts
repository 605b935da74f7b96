import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { ExplainedError } from "./explained-error.ts";
import { replaceFile } from "./folder-check.ts";

/** The port that the first start chose; undefined before it did. */
export function rememberedPort(folder: string): number | undefined {
  try {
    const port = Number(readFileSync(`${folder}/port`, "utf8"));
    return Number.isInteger(port) && port > 0 ? port : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps the port for later starts, which fail rather than drift to another one. */
export function rememberPort(folder: string, port: number): void {
  if (rememberedPort(folder) !== port) replaceFile(`${folder}/port`, `${port}\n`);
}

/** The first port from `first` upwards that nobody listens on. */
export async function findFreePort(host: string, first: number): Promise<number> {
  for (let port = first; port < Math.min(first + 100, 65_536); port++) {
    if (await isFree(host, port)) return port;
  }
  throw new ExplainedError(
    `the ports from ${first} to ${first + 99} are all taken`,
    "choose one: --listen 0.0.0.0:PORT",
  );
}

/** Tried with an exclusive bind: two servers that share a port by SO_REUSEPORT would not be noticed otherwise. */
function isFree(host: string, port: number): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const server = createServer();
  server.once("error", (error: NodeJS.ErrnoException) =>
    error.code === "EADDRINUSE" ? resolve(false) : reject(error),
  );
  server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  return promise;
}
