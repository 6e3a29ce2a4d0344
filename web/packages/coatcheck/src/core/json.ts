/** Characters of a text frame from which on it is read elsewhere: below, that would cost a page more. */
export const LARGE_FRAME = 65_536;

/** The value of JSON, or undefined for what is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
