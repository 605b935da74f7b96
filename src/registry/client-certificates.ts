import type { AccountStore, UserRecord } from "../core/account-store.ts";
import {
  AdministrationError,
  type CertificateSelection,
  type ClientCertificateSummary,
  type NewClientCertificate,
} from "../core/administration.ts";
import type { ClientCertificateStore, IssuedCertificate } from "../core/client-certificate-store.ts";
import type { Clock } from "../core/clock.ts";
import type { Change } from "../core/metadata-store.ts";

export interface ClientCertificatesPorts {
  readonly accounts: AccountStore;
  readonly certificates: ClientCertificateStore;
  readonly clock: Clock;
  /** What the client authority does. */
  readonly signClientCertificate: SignClientCertificate;
}

/** Signs a certificate for a user; the authority is made when it is asked for the first time. */
export type SignClientCertificate = (request: {
  readonly userName: string;
  readonly publicKeyPem: string;
  readonly now: number;
  readonly endsAt: number;
}) => Promise<{ readonly serial: string; readonly fingerprint: string; readonly certificatePem: string }>;

const dayMs = 86_400_000;

/** Issues a certificate for an existing user; it is in the list before anybody has it. */
export async function issueClientCertificate(
  ports: ClientCertificatesPorts,
  { userName, publicKeyPem, days }: NewClientCertificate,
  change: Change,
): Promise<ClientCertificateSummary & { readonly pem: string }> {
  const user = await ports.accounts.findUser(userName);
  if (user === undefined) throw new AdministrationError("user-unknown", `there is no user ${userName}`);
  const endsAt = change.at + days * dayMs;
  const signed = await ports.signClientCertificate({ userName, publicKeyPem, now: change.at, endsAt });
  const { serial, fingerprint, certificatePem } = signed;
  await ports.certificates.addCertificate({ serial, fingerprint, userId: user.id, userName, endsAt }, change);
  return { serial, userName, issuedAt: change.at, endsAt, state: "valid", pem: certificatePem };
}

/** Every certificate that was ever issued, as it stands now. */
export async function listClientCertificates({
  accounts,
  certificates,
  clock,
}: ClientCertificatesPorts): Promise<readonly ClientCertificateSummary[]> {
  const users = new Map((await accounts.listUsers()).map((user) => [user.name, user]));
  const now = clock.now();
  return (await certificates.listCertificates()).map((issued) => {
    const { serial, userName, issuedAt, endsAt } = issued;
    return { serial, userName, issuedAt, endsAt, state: stateOf(issued, users.get(userName), now) };
  });
}

/** Answers the serials that are revoked by this. */
export async function revokeClientCertificates(
  ports: ClientCertificatesPorts,
  which: CertificateSelection,
  change: Change,
): Promise<readonly string[]> {
  const all = await listClientCertificates(ports);
  const chosen = all.filter((each) =>
    "serial" in which ? each.serial === which.serial : each.userName === which.userName,
  );
  const serials = chosen.filter(({ state }) => state !== "revoked").map(({ serial }) => serial);
  if (serials.length === 0)
    throw new AdministrationError("certificate-unknown", nothingToRevoke(which, chosen.length > 0));
  await ports.certificates.revokeCertificates(serials, change);
  return serials;
}

function stateOf(
  { userId, endsAt, revokedAt }: IssuedCertificate,
  user: UserRecord | undefined,
  now: number,
): ClientCertificateSummary["state"] {
  if (revokedAt !== undefined) return "revoked";
  if (user?.id !== userId) return "user-removed";
  return now >= endsAt ? "ended" : "valid";
}

function nothingToRevoke(which: CertificateSelection, isRevoked: boolean): string {
  const what = "serial" in which ? `client certificate ${which.serial}` : `client certificate of ${which.userName}`;
  return isRevoked ? `the ${what} is revoked already` : `there is no ${what}`;
}
