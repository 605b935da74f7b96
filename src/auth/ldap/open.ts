import { X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";

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
export function openDirectory({ ca, searcher, timeoutSeconds, ...settings }: DirectorySettings): Directory {
  return new Directory({
    ...settings,
    caPem: ca === undefined ? undefined : readAuthorities(ca),
    searcher:
      searcher === undefined ? undefined : { dn: searcher.dn, password: () => passwordIn(searcher.passwordFile) },
    timeoutMs: timeoutSeconds * 1000,
  });
}

/** The same with what makes principals of its users. */
export function openDirectoryUsers(
  settings: DirectorySettings,
  ports: Omit<DirectoryUsersOptions, "directory">,
): DirectoryUsers {
  const file = settings.searcher?.passwordFile;
  if (file !== undefined && (statSync(file).mode & 0o007) !== 0)
    ports.log.warn("everybody on this machine may read the password for the directory; better: chmod o= FILE", {
      file,
    });
  return new DirectoryUsers({ ...ports, directory: openDirectory(settings) });
}

function readAuthorities(file: string): string {
  const pem = readFileSync(file, "utf8");
  // It throws where there is no certificate: with nobody to vouch for the server every login would fail, and nobody know why.
  void new X509Certificate(pem);
  return pem;
}

/** Read at each use, so that a new password needs no restart. The line's end is not part of it. */
async function passwordIn(file: string): Promise<string> {
  return (await readFile(file, "utf8")).replace(/\r?\n$/, "");
}
