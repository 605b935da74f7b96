import { HtpasswdFile } from "../auth/htpasswd.ts";
import type { DirectoryUsers } from "../auth/ldap/directory-users.ts";
import type { CompanyLogin } from "../auth/oidc/open.ts";
import type { Settings } from "../config/settings.ts";
import type { Principal } from "../core/principal.ts";
import type { Log } from "../log.ts";
import type { AccessControl } from "../registry/access-control.ts";
import { operator } from "../registry/administration.ts";
import { clock, ulids } from "./clock.ts";
import type { Stores } from "./stores.ts";

/** Who the users are whom dozo has not made itself. */
export interface NamesElsewhere {
  readonly isHtpasswdUser: (name: string) => Promise<boolean>;
  readonly findDirectoryUser: (name: string) => Promise<Principal | undefined>;
}

/** The users of a file, and of a directory. Each undefined where the settings name none. */
export interface UsersElsewhere extends NamesElsewhere {
  readonly htpasswd: HtpasswdFile | undefined;
  readonly directory: DirectoryUsers | undefined;
}

/** The caller stops the file. */
export async function openUsersElsewhere(settings: Settings, stores: Stores, log: Log): Promise<UsersElsewhere> {
  const htpasswd = await openHtpasswd(settings, log);
  const isHtpasswdUser = async (name: string): Promise<boolean> => {
    await htpasswd?.refreshIfDue();
    return htpasswd?.users.has(name) === true;
  };
  const directory = await openDirectory(settings, stores, isHtpasswdUser, log);
  const findDirectoryUser = async (name: string): Promise<Principal | undefined> => directory?.find(name);
  return { htpasswd, directory, isHtpasswdUser, findDirectoryUser };
}

/** The same for a command: neither is opened before it is asked, and so neither has to be there. */
export function namesElsewhere(settings: Settings, stores: Stores, log: Log): NamesElsewhere {
  const isHtpasswdUser = async (name: string): Promise<boolean> => {
    const htpasswd = await openHtpasswd(settings, log);
    htpasswd?.stop();
    return htpasswd?.users.has(name) === true;
  };
  const findDirectoryUser = async (name: string): Promise<Principal | undefined> =>
    (await openDirectory(settings, stores, isHtpasswdUser, log))?.find(name);
  return { isHtpasswdUser, findDirectoryUser };
}

async function openHtpasswd({ htpasswd }: Settings, log: Log): Promise<HtpasswdFile | undefined> {
  return htpasswd === undefined ? undefined : HtpasswdFile.open({ path: htpasswd, clock, log });
}

/** Nothing of it is loaded where the settings name none. */
async function openDirectory(
  { ldap }: Settings,
  { accounts, access }: Stores,
  isHtpasswdUser: (name: string) => Promise<boolean>,
  log: Log,
): Promise<DirectoryUsers | undefined> {
  if (ldap.urls.length === 0) return undefined;
  const { openDirectoryUsers } = await import("../auth/ldap/open.ts");
  const isTaken = async (name: string): Promise<boolean> =>
    (await accounts.findUser(name)) !== undefined ||
    (await accounts.findRobot(name)) !== undefined ||
    isHtpasswdUser(name);
  const replaceGroups: AccessControl["replaceGroups"] = (...groups) => access.replaceGroups(...groups);
  return openDirectoryUsers(ldap, { accounts, isTaken, replaceGroups, by: operator.id, ulids, clock, log });
}

/** The company's provider; undefined where the settings name none, and nothing of it is loaded then. */
export async function openProvider(
  { oidc: { issuer, clientId, ...rest } }: Settings,
  { accounts, access, oidcUsers: users }: Stores,
  { isHtpasswdUser }: NamesElsewhere,
  log: Log,
): Promise<CompanyLogin | undefined> {
  if (issuer === undefined || clientId === undefined) return undefined;
  const { openCompanyLogin } = await import("../auth/oidc/open.ts");
  const isTaken = async (name: string): Promise<boolean> =>
    (await accounts.findUser(name)) !== undefined ||
    (await accounts.findRobot(name)) !== undefined ||
    (await accounts.findExternalPrincipal("ldap", name)) !== undefined ||
    isHtpasswdUser(name);
  const changesOf = (name: string): number => accounts.changesOf(name);
  const replaceGroups: AccessControl["replaceGroups"] = (...groups) => access.replaceGroups(...groups);
  const ports = { users, isTaken, changesOf, replaceGroups, ulids, clock, log };
  return openCompanyLogin({ ...rest, issuer, clientId }, ports);
}
