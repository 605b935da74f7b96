import { X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";

import type { Log } from "../../log.ts";
import { Directory, type DirectoryOptions } from "./directory.ts";
import { DirectoryUsers, type DirectoryUsersOptions } from "./directory-users.ts";

/** The settings of a directory. */
export interface DirectorySettings extends Omit<DirectoryOptions, "caPem" | "searcher" | "timeoutMs"> {
  /** A PEM file. */
  readonly ca?: string | undefined;
  readonly searcher: { readonly dn: string; readonly passwordFile: string } | undefined;
  readonly timeoutSeconds: number;
}

/** The directory of the settings. Throws when a file that they name cannot be used, or a filter is none. */
export function openDirectoryUsers(
  settings: DirectorySettings,
  ports: Omit<DirectoryUsersOptions, "directory"> & { readonly log: Log },
): DirectoryUsers {
  const { ca, searcher, timeoutSeconds } = settings;
  const options: DirectoryOptions = {
    ...settings,
    caPem: ca === undefined ? undefined : readAuthorities(ca),
    searcher:
      searcher === undefined ? undefined : { dn: searcher.dn, password: passwordIn(searcher.passwordFile, ports.log) },
    timeoutMs: timeoutSeconds * 1000,
  };
  return new DirectoryUsers({ ...ports, directory: new Directory(options) });
}

function readAuthorities(file: string): string {
  const pem = readFileSync(file, "utf8");
  // It throws where there is no certificate: with nobody to vouch for the server every login would fail, and nobody know why.
  void new X509Certificate(pem);
  return pem;
}

/** Read at each use, so that a new password needs no restart. The line's end is not part of it. */
function passwordIn(file: string, log: Log): () => Promise<string> {
  if ((statSync(file).mode & 0o007) !== 0)
    log.warn("everybody on this machine may read the password for the directory; better: chmod o= FILE", { file });
  return async () => (await readFile(file, "utf8")).replace(/\r?\n$/, "");
}
