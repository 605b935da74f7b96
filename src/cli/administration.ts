import { openAdministration } from "../app.ts";
import {
  type Administration,
  AdministrationError,
  type AdministrationFault,
  type NewUser,
  type RegistryStatus,
  type UserSummary,
} from "../core/administration.ts";
import type { Settings } from "../config/settings.ts";
import { findControlSocket } from "../process/control-socket.ts";
import { openDataFolder } from "../process/data-folder.ts";
import { ExplainedError } from "../process/explained-error.ts";
import { FolderLockedError, lockFolder } from "../process/folder-lock.ts";

/** A command that holds the folder is soon through, and a server that starts or stops soon answers. */
const patienceMs = 10_000;
const pauseMs = 50;

/**
 * Runs something on the registry of a data folder: through the server where one runs, else on the folder itself, under
 * its lock. The caller cannot tell.
 */
export async function withAdministration<Result>(
  settings: Settings,
  version: string,
  work: (administration: Administration) => Promise<Result>,
): Promise<Result> {
  openDataFolder(settings.data);
  const until = Date.now() + patienceMs;
  for (;;) {
    const remote = new RemoteAdministration(findControlSocket(settings.data));
    if (await remote.answers()) return work(remote);
    try {
      return await locally(settings, version, work);
    } catch (error) {
      if (!(error instanceof FolderLockedError) || Date.now() > until) throw error;
    }
    await Bun.sleep(pauseMs);
  }
}

async function locally<Result>(
  settings: Settings,
  version: string,
  work: (administration: Administration) => Promise<Result>,
): Promise<Result> {
  const release = lockFolder(settings.data);
  try {
    const opened = await openAdministration(settings, version);
    try {
      return await work(opened.administration);
    } finally {
      await opened.close();
    }
  } finally {
    release();
  }
}

/** The server's side door: `api/control.ts` answers. */
class RemoteAdministration implements Administration {
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

  async listUsers(): Promise<readonly UserSummary[]> {
    return (await this.#call("GET", "/users")) as readonly UserSummary[];
  }

  async addUser(user: NewUser): Promise<void> {
    await this.#call("POST", "/users", user);
  }

  async changePassword(name: string, password: string): Promise<void> {
    await this.#call("PUT", `/users/${encodeURIComponent(name)}`, { password });
  }

  async removeUser(name: string): Promise<void> {
    await this.#call("DELETE", `/users/${encodeURIComponent(name)}`);
  }

  async status(): Promise<RegistryStatus> {
    return (await this.#call("GET", "/status")) as RegistryStatus;
  }

  async #call(method: string, path: string, body?: object): Promise<unknown> {
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
