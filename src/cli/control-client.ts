import { AdministrationError, type AdministrationFault } from "../core/administration.ts";
import { findControlSocket } from "../process/control-socket.ts";
import { openDataFolder } from "../process/data-folder.ts";
import { ExplainedError } from "../process/explained-error.ts";
import { FolderLockedError, lockFolder } from "../process/folder-lock.ts";

/** A command that holds the folder is soon through, and a server that starts or stops soon answers. */
const patienceMs = 10_000;
const pauseMs = 50;

interface Ways<Result> {
  /** Where a server runs. */
  readonly remote: (server: ControlClient) => Promise<Result>;
  /** Where none does; the folder is locked meanwhile. */
  readonly local: () => Promise<Result>;
}

/** Goes the way that is open: through the server of a data folder, or to the folder itself, under its lock. */
export async function throughServerOr<Result>(folder: string, { remote, local }: Ways<Result>): Promise<Result> {
  openDataFolder(folder);
  const until = Date.now() + patienceMs;
  for (;;) {
    const server = new ControlClient(findControlSocket(folder));
    if (await server.answers()) return remote(server);
    try {
      return await locked(folder, local);
    } catch (error) {
      if (!(error instanceof FolderLockedError) || Date.now() > until) throw error;
    }
    await Bun.sleep(pauseMs);
  }
}

async function locked<Result>(folder: string, work: () => Promise<Result>): Promise<Result> {
  const release = lockFolder(folder);
  try {
    return await work();
  } finally {
    release();
  }
}

/** The server's side door: `api/control.ts` answers. */
export class ControlClient {
  readonly #socket: string;

  constructor(socket: string) {
    this.#socket = socket;
  }

  /** Whether a server listens there. */
  async answers(): Promise<boolean> {
    try {
      await fetch("http://dozo/", { unix: this.#socket });
      return true;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "ENOENT" || code === "ECONNREFUSED" || code === "ECONNRESET" || code === "ConnectionClosed")
        return false;
      throw new ExplainedError(
        `the server's socket ${this.#socket} cannot be used (${code ?? "unknown error"})`,
        "run this as the user the server runs as, or with sudo",
        error,
      );
    }
  }

  /** Undefined for an answer without content. Throws `AdministrationError` for a refusal. */
  async call(method: string, path: string, body?: object): Promise<unknown> {
    const answer = await fetch(`http://dozo${path}`, {
      unix: this.#socket,
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (answer.status === 204) return undefined;
    if (answer.ok) return await answer.json();
    if (answer.status === 409) {
      const refusal = (await answer.json()) as { readonly fault: AdministrationFault; readonly message: string };
      throw new AdministrationError(refusal.fault, refusal.message);
    }
    throw new ExplainedError(`the server could not do it (${answer.status})`, "its log says why");
  }
}
