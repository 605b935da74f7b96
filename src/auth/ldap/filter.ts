import { Filter, FilterParser } from "ldapts";

/** What can stand in a filter: the name that somebody typed, or the user's entry that was found. */
export type FilterValues = Readonly<Record<"name" | "dn", string>>;

/** Whether the text is a filter (RFC 4515), with `{name}` and `{dn}` where values will stand. */
export function isFilter(template: string): boolean {
  try {
    FilterParser.parseString(fillFilter(template, { name: "a", dn: "a" }));
    return true;
  } catch {
    return false;
  }
}

/**
 * Puts values into a filter. They are escaped (RFC 4515 section 3), so that nothing in a name can be a part of the filter; and in one
 * pass, so that a value that reads `{dn}` stays what it is.
 */
export function fillFilter(template: string, values: FilterValues): string {
  return template.replaceAll(/\{(name|dn)\}/g, (_, key: keyof FilterValues) => Filter.escape(values[key]));
}
