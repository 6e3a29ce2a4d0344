/** The members of a JSON object. */
export type Fields = Readonly<Record<string, unknown>>;

/** A copy of an object's own members, or null for anything else. */
export function asFields(value: unknown): Fields | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;
}

/** The first of the members that is a text and not empty. */
export function firstText(fields: Fields | null, names: readonly string[]): string | null {
  for (const name of names) {
    const value = fields?.[name];
    if (typeof value === "string" && value !== "") {
      return value;
    }
  }
  return null;
}
