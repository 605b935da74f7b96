import type { ProcessPrincipals } from "../auth/process-principals.ts";
import { parseRepositoryName, type RepositoryName } from "../core/repository-name.ts";
import { clearSelfTest, markSelfTest, unfinishedSelfTest } from "../process/self-test-mark.ts";
import { ulids } from "./clock.ts";
import type { Stores } from "./stores.ts";

/** Who tests the registry from within: somebody who exists in this process's memory only, and only for loopback. */
export interface ProcessCredential {
  readonly name: string;
  readonly secret: string;
  readonly repository: RepositoryName;
}

/** Runs `work` with a credential made for it; afterwards the credential and all that it pushed are gone. */
export async function asProcess(
  principals: ProcessPrincipals,
  stores: Stores,
  folder: string,
  work: (credential: ProcessCredential) => Promise<void>,
): Promise<void> {
  const credential = principals.admit("self-test");
  const repository = `self-test/${ulids.next().toLowerCase()}` as RepositoryName;
  markSelfTest(folder, repository);
  try {
    await work({ name: credential.name, secret: credential.secret, repository });
  } finally {
    principals.revoke(credential);
    await removeSelfTest(stores, folder);
  }
}

/** Removes every trace of the self-test that the folder's mark names, also of one that was killed. */
export async function removeSelfTest({ metadata, blobs }: Stores, folder: string): Promise<void> {
  const repository = unfinishedSelfTest(folder);
  if (repository === undefined) return;
  for (const key of await metadata.purgeRepository(parseRepositoryName(repository))) await blobs.delete(key);
  clearSelfTest(folder);
}
