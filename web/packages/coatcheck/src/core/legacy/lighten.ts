import { asFields } from "../fields.ts";
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
 * words before it (`✅ **Success**: {…}`), which then is an object. Everything else stays as it is; a value
 * without pictures is the very value.
 */
export function lighten(value: unknown, depth = 0): unknown {
  if (depth > MAX_DEPTH) {
    return value;
  }
  if (typeof value === "string") {
    return value.length < HEAVY ? value : lightenText(value, depth);
  }
  if (Array.isArray(value)) {
    const items = value.map((item) => lighten(item, depth + 1));
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  const members = Object.entries(value);
  const lightened = members.map(([name, member]) => [name, lighten(member, depth + 1)] as const);
  return lightened.every(([, member], index) => member === members[index]?.[1])
    ? value
    : Object.fromEntries(lightened);
}

/**
 * The same for a frame. In one of the chat's, `{"seq": …, "chunk": …}`, only what a tool put out and the
 * data of a part are such values; code that reads a text or an address relies on a string.
 */
export function lightenFrame(value: unknown): unknown {
  const frame = asFields(value);
  const chunk = asFields(frame?.["chunk"]);
  if (frame === null || chunk === null || typeof frame["seq"] !== "number") {
    return lighten(value);
  }
  const { output, data } = chunk;
  return {
    ...frame,
    chunk: {
      ...chunk,
      ...(output === undefined ? {} : { output: lighten(output) }),
      ...(data === undefined ? {} : { data: lighten(data) }),
    },
  };
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
  if (json === null) {
    return text;
  }
  const value = lighten(json.value, depth + 1);
  return value === json.value ? text : value;
}
