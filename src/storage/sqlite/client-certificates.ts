import type { IssuedCertificate } from "../../core/client-certificate-store.ts";
import { RegistryError } from "../../core/error.ts";
import type { Change } from "../../core/metadata-store.ts";
import type { Database } from "./database.ts";

type CertificateRow = Omit<IssuedCertificate, "revokedAt"> & { readonly revokedAt: number | null };

export function findCertificate(db: Database, fingerprint: string): IssuedCertificate | undefined {
  const row = db
    .query<CertificateRow, [string]>(
      `SELECT serial, fingerprint, user_id AS userId, user_name AS userName, issued_at AS issuedAt, ends_at AS endsAt,
         revoked_at AS revokedAt
       FROM client_certificates WHERE fingerprint = ?1`,
    )
    .get(fingerprint);
  return row === null ? undefined : toCertificate(row);
}

export function listCertificates(db: Database): readonly IssuedCertificate[] {
  return db
    .query<CertificateRow, []>(
      `SELECT serial, fingerprint, user_id AS userId, user_name AS userName, issued_at AS issuedAt, ends_at AS endsAt,
         revoked_at AS revokedAt
       FROM client_certificates ORDER BY issued_at, serial`,
    )
    .all()
    .map(toCertificate);
}

export function addCertificate(
  db: Database,
  certificate: Omit<IssuedCertificate, "issuedAt" | "revokedAt">,
  change: Change,
): void {
  const { serial, fingerprint, userId, userName, endsAt } = certificate;
  const { changes } = db
    .query(
      `INSERT INTO client_certificates (fingerprint, serial, user_id, user_name, issued_by, issued_at, ends_at)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING`,
    )
    .run(fingerprint, serial, userId, userName, change.by, change.at, endsAt);
  if (changes === 0) throw new RegistryError("CONFLICT", `there is a certificate ${serial} already`);
}

export function revokeCertificates(db: Database, serials: readonly string[], change: Change): number {
  return db
    .query(
      `UPDATE client_certificates SET revoked_by = ?2, revoked_at = ?3
       WHERE revoked_at IS NULL AND serial IN (SELECT value FROM json_each(?1))`,
    )
    .run(JSON.stringify(serials), change.by, change.at).changes;
}

function toCertificate(row: CertificateRow): IssuedCertificate {
  return { ...row, revokedAt: row.revokedAt ?? undefined };
}
