import { decodeInlineImageNow, readInlineImage } from "./inline-image.ts";
import { readJsonAt } from "./lazy-json.ts";

/** Characters of base64 from which bytes are worth a Blob of their own. */
const HEAVY = 4096;
/** Levels of objects, arrays and JSON in strings. */
const MAX_DEPTH = 64;

/**
 * A JSON value with its pictures as Blobs: what a worker hands to the page instead of megabytes of text.
 *
 * A string that is a picture becomes one, and so does one in JSON that stands in a string, with or without
 * words before it (`✅ **Success**: {…}`), which then is an object. Everything else stays as it is.
 */
export function lighten(value: unknown, depth = 0): unknown {
  if (depth > MAX_DEPTH) {
    return value;
  }
  if (typeof value === "string") {
    return value.length < HEAVY ? value : lightenText(value, depth);
  }
  if (Array.isArray(value)) {
    return value.map((item) => lighten(item, depth + 1));
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, lighten(member, depth + 1)]),
  );
}

/** Characters before the JSON in a text. */
const MAX_PREAMBLE = 512;

function lightenText(text: string, depth: number): unknown {
  const image = readInlineImage(text);
  if (image !== null) {
    return decodeInlineImageNow(image) ?? text;
  }
  const start = text.slice(0, MAX_PREAMBLE).indexOf("{");
  const json = start < 0 ? null : readJsonAt(text, start);
  return json === null ? text : lighten(json.value, depth + 1);
}
