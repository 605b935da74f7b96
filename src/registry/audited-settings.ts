import type { AuditStore } from "../core/audit-store.ts";
import { operator } from "./administration.ts";
import type { AuditTrail } from "./audit-trail.ts";

/** The values of these stand nowhere. */
const secretName = /password|secret/i;
const noteName = "settings";

/** Records which settings are others than at the start before, if any are. Of the very first start nothing is recorded. */
export async function recordSettings(
  settings: object,
  { store, trail }: { readonly store: AuditStore; readonly trail: Pick<AuditTrail, "change"> },
): Promise<void> {
  const now = flatten(settings, "");
  const noted = await store.readNote(noteName);
  if (noted !== undefined) {
    const before = new Map(JSON.parse(noted) as [string, string][]);
    const changes = differences(before, now);
    if (changes.length > 0)
      await trail.change(operator, { action: "change settings", object: undefined, reason: changes.join("; ") });
  }
  await store.writeNote(noteName, JSON.stringify([...now]));
}

function differences(before: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): readonly string[] {
  return [...new Set([...before.keys(), ...now.keys()])]
    .filter((key) => before.get(key) !== now.get(key))
    .map((key) => `${key}: ${before.get(key) ?? "none"} to ${now.get(key) ?? "none"}`);
}

function flatten(value: object, prefix: string): Map<string, string> {
  const flat = new Map<string, string>();
  for (const [name, inner] of Object.entries(value) as [string, unknown][]) {
    const key = `${prefix}${name}`;
    if (secretName.test(name) && typeof inner === "string" && !/file$/i.test(name)) continue;
    if (typeof inner === "object" && inner !== null && !Array.isArray(inner))
      for (const [each, text] of flatten(inner, `${key}.`)) flat.set(each, text);
    else if (inner !== undefined) flat.set(key, JSON.stringify(inner));
  }
  return flat;
}
