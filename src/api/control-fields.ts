/** The fields of a request's JSON; none where it is no object. */
export async function fieldsOf(request: Request): Promise<Record<string, unknown>> {
  const value: unknown = await request.json();
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** A list of texts; empty where it is none. */
export function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(text) : [];
}

/** A text; empty where it is none. */
export function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
