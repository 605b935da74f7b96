import { type AccountStore, principalOfRobot, principalOfUser } from "../core/account-store.ts";
import { AdministrationError } from "../core/administration.ts";
import { RegistryError } from "../core/error.ts";
import type { ExternalSource, Principal } from "../core/principal.ts";
import type { UlidSource } from "../core/ulid.ts";
import { isUserName, userNameRule } from "../core/user-name.ts";
import { isWordForMany } from "../core/subject-word.ts";

export interface PrincipalNamesPorts {
  readonly accounts: AccountStore;
  /** Whether the operator's htpasswd file has the name. */
  readonly isHtpasswdUser: (name: string) => Promise<boolean>;
  /** Whom the operator's directory means by the name; rejects with `UNAVAILABLE` when it cannot be asked. */
  readonly findDirectoryUser: (name: string) => Promise<Principal | undefined>;
  readonly ulids: UlidSource;
}

const external: readonly ExternalSource[] = ["htpasswd", "ldap", "oidc"];

/**
 * Whom a name means, as a login would find them: dozo's own user or robot first, then a user of the htpasswd file, then
 * somebody who has logged in through a directory or provider before, then somebody whom the directory knows. Throws
 * `AdministrationError` where there is nobody.
 */
export async function findPrincipalByName(
  { accounts, isHtpasswdUser, findDirectoryUser, ulids }: PrincipalNamesPorts,
  name: string,
  now: number,
): Promise<Principal> {
  const user = await accounts.findUser(name);
  if (user !== undefined) return principalOfUser(user);
  const robot = await accounts.findRobot(name);
  if (robot !== undefined) return principalOfRobot(robot);
  if (await isHtpasswdUser(name)) await accounts.externalPrincipal("htpasswd", name, ulids.next(), now);
  for (const source of external) {
    const id = await accounts.findExternalPrincipal(source, name);
    if (id !== undefined) return { id, name, isAdmin: false, kind: "user", source };
  }
  const unknown = `there is no user or robot ${name}`;
  const inDirectory = await findDirectoryUser(name).catch((error: unknown) => {
    if (!(error instanceof RegistryError)) throw error;
    throw new AdministrationError("user-unknown", `${unknown} here, and the directory of users cannot be asked now`);
  });
  if (inDirectory === undefined) throw new AdministrationError("user-unknown", unknown);
  return inDirectory;
}

/** Throws `AdministrationError` where nobody new, and no group, can be called so; `what` is in the words of the refusal. */
export function assertNewName(what: "user" | "robot" | "group", name: string): void {
  if (!isUserName(name))
    throw new AdministrationError("name-invalid", `${JSON.stringify(name)} is no ${what} name: ${userNameRule}`);
  if (isWordForMany(name))
    throw new AdministrationError("name-invalid", `${name} can be no ${what}'s name: in a rule it means more than one`);
}

/** Throws `AdministrationError` where a user or a robot has the name. */
export async function assertFreeName(accounts: AccountStore, name: string): Promise<void> {
  if ((await accounts.findUser(name)) !== undefined)
    throw new AdministrationError("user-exists", `there is a user ${name} already`);
  if ((await accounts.findRobot(name)) !== undefined)
    throw new AdministrationError("robot-exists", `there is a robot ${name} already`);
}
