import type { Settings } from "../config/settings.ts";

/** What came of asking the directory of users. */
export interface DirectoryFacts {
  readonly urls: readonly string[];
  /** Undefined: it answers, and knows dozo's own account. */
  readonly fault: string | undefined;
}

/** Asks the directory of the settings for nobody; undefined where they name none. Nothing of it is loaded then. */
export async function seeDirectory({ ldap }: Settings): Promise<DirectoryFacts | undefined> {
  const { urls } = ldap;
  if (urls.length === 0) return undefined;
  try {
    const { openDirectory } = await import("../auth/ldap/open.ts");
    await openDirectory(ldap).probe();
    return { urls, fault: undefined };
  } catch (error) {
    return { urls, fault: error instanceof Error ? error.message : String(error) };
  }
}
