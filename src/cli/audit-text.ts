import type { AuditEvent } from "../core/audit-event.ts";
import type { AuditState, AuditSummary } from "../core/audit-state.ts";
import { escaped } from "../log.ts";
import { isoDate } from "./output.ts";

/** What is wrong with the record, and since when. */
export function troubleText({ missing, reason, since }: NonNullable<AuditState["trouble"]>): string {
  const what = { pulls: "PULLS ARE", everything: "WHAT HAPPENS IS", file: "auditFile IS" }[missing];
  return `${what} NOT WRITTEN since ${isoDate(since)}: ${reason}`;
}

/** The same for programs. */
export function summaryJson({ trouble, completeSince, ...rest }: AuditSummary): object {
  const shown = trouble === undefined ? null : { ...trouble, since: isoDate(trouble.since) };
  return { ...rest, completeSince: isoDate(completeSince), trouble: shown };
}

export const eventTitles: readonly string[] = ["WHEN (UTC)", "WHO", "WHAT", "ON", "FROM", "WITH", "OUTCOME"];

/** An event as a row below `eventTitles`. Nothing in it acts upon a terminal. */
export function eventRow(event: AuditEvent): readonly string[] {
  const { at, name, action, count, addresses, hasMoreAddresses, outcome, reason } = event;
  const [address = "-", ...others] = addresses;
  const more = others.length === 0 ? "" : ` +${others.length}${hasMoreAddresses ? " and more" : ""}`;
  const why = reason === undefined ? "" : `: ${reason}`;
  const cells = [
    isoDate(at).slice(0, 19).replace("T", " "),
    name ?? "-",
    count === 1 ? action : `${action} (${count})`,
    objectText(event),
    `${address}${more}`,
    credentialText(event),
    `${outcome}${why}`,
  ];
  return cells.map((cell) => safe(cell));
}

function objectText({ repository, tag, digest, object }: AuditEvent): string {
  if (object !== undefined) return object;
  if (repository === undefined) return "-";
  const place = tag === undefined ? repository : `${repository}:${tag}`;
  // As Docker shows a digest: 12 digits.
  return digest === undefined ? place : `${place}@${digest.slice(0, digest.indexOf(":") + 13)}`;
}

function credentialText({ credentialKind, credentialId }: AuditEvent): string {
  if (credentialKind === "none") return "-";
  return credentialId === undefined ? credentialKind : `${credentialKind} ${credentialId}`;
}

/** Without control characters, and without what changes the direction of text. */
function safe(text: string): string {
  return escaped(
    JSON.stringify(text)
      .slice(1, -1)
      .replaceAll(String.raw`\"`, '"'),
  );
}
