/** The members of a JSON object. */
export type Fields = Readonly<Record<string, unknown>>;

/** A copy of an object's own members, or null for anything else. */
export function asFields(value: unknown): Fields | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;
}

/** Pixels. No format reaches it; it keeps a lie from becoming a layout. */
const MAX_EDGE = 1_000_000;

/** Whether a value is an edge of a picture in pixels. */
export function isEdge(value: unknown): value is number {
  return isWholeNumber(value, 1, MAX_EDGE);
}

/** Whether a value is an integer within bounds. */
export function isWholeNumber(
  value: unknown,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): value is number {
  return (
    typeof value === "number" && Number.isSafeInteger(value) && value >= least && value <= most
  );
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
