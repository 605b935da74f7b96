import type { Administration } from "../core/administration.ts";
import {
  findFirstPassword,
  firstPasswordFile,
  keepFirstPassword,
  removeFirstPassword,
} from "../process/first-password.ts";
import type { CommandContext } from "./command-context.ts";
import { makePassword } from "./password.ts";

export interface FirstUser {
  readonly name: string;
  /** The line that says how to get in; undefined when that is known. */
  readonly passwordLine: string | undefined;
  /** What has to happen once the line has been printed. */
  readonly shown: () => void;
}

const nothing = (): void => {};

/**
 * Makes the first user where there is none. The password stands in a file before the user is made, and stays there
 * until it has been shown on a terminal or somebody has logged in: whoever is killed in between finds it at the next start.
 */
export async function ensureFirstUser(
  folder: string,
  administration: Administration,
  wanted: { readonly name: string; readonly password: string | undefined },
  { output, environment }: Pick<CommandContext, "output" | "environment">,
): Promise<FirstUser> {
  const users = await administration.listUsers();
  if (users.length === 0) await makeFirstUser(folder, administration, wanted);
  const first = users.filter(({ isAdmin }) => isAdmin).toSorted((one, other) => one.createdAt - other.createdAt)[0];
  const name = first?.name ?? wanted.name;
  if (users.length > 0 && wanted.password !== undefined) {
    output.note(`The user ${name} is there already; to change the password, say: dozo user passwd ${name}`);
  }
  const pending = findFirstPassword(folder);
  if (pending === undefined) return { name, passwordLine: undefined, shown: nothing };
  if (!output.isTerminal) return { name, passwordLine: whereToFind(folder, name, environment), shown: nothing };
  return {
    name,
    passwordLine: `Password of ${name}, shown this once: ${pending}`,
    shown: () => removeFirstPassword(folder),
  };
}

/** dozo's own image, which says `oci`, has no program that reads the file. */
function whereToFind(folder: string, name: string, environment: CommandContext["environment"]): string {
  return environment["container"] === "oci"
    ? `To give ${name} a password, shown once: docker exec -it CONTAINER dozo user passwd ${name}`
    : `The password of ${name} is in ${firstPasswordFile(folder)} until the first login.`;
}

async function makeFirstUser(
  folder: string,
  administration: Administration,
  { name, password }: { readonly name: string; readonly password: string | undefined },
): Promise<void> {
  if (password !== undefined) {
    await administration.addUser({ name, password, isAdmin: true });
    removeFirstPassword(folder);
    return;
  }
  const made = findFirstPassword(folder) ?? makePassword();
  keepFirstPassword(folder, made);
  await administration.addUser({ name, password: made, isAdmin: true });
}
