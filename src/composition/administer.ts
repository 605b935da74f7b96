import { hashPassword } from "../auth/password.ts";
import type { Settings } from "../config/settings.ts";
import { issueClientCertificate, openClientAuthority } from "../pki/client-authority.ts";
import { PkiFolder } from "../process/pki-folder.ts";
import { type AdministrationPorts, LocalAdministration } from "../registry/administration.ts";
import type { SignClientCertificate } from "../registry/client-certificates.ts";
import type { KeyAdministration } from "../registry/key-administration.ts";
import { clock, ulids } from "./clock.ts";
import type { Stores } from "./stores.ts";
import type { NamesElsewhere } from "./users-elsewhere.ts";

/** The operator's use cases on a data folder, whether somebody serves it or not. */
export function administer(
  stores: Omit<Stores, "keys"> & { readonly keys: KeyAdministration },
  { data, challenge }: Pick<Settings, "data" | "challenge">,
  { isHtpasswdUser, findDirectoryUser }: NamesElsewhere,
  processStatus: AdministrationPorts["processStatus"],
): LocalAdministration {
  const { accounts, access, keys, certificates, oidcUsers, metadata, blobs, verification, audit } = stores;
  const signClientCertificate: SignClientCertificate = async (request) =>
    issueClientCertificate(await openClientAuthority(new PkiFolder(`${data}/pki`), clock), request);
  const kept = { accounts, access, keys, certificates, oidcUsers, metadata, blobs, verification, audit: audit.reading };
  const elsewhere = { isHtpasswdUser, findDirectoryUser };
  return new LocalAdministration({
    ...kept,
    ...elsewhere,
    challenge,
    clock,
    ulids,
    hashPassword,
    signClientCertificate,
    processStatus,
  });
}
