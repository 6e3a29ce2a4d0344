import { asFields, type Fields, firstText } from "./fields.ts";
import { readInlineImage } from "./legacy/inline-image.ts";
import { readJsonAt } from "./legacy/lazy-json.ts";
import { type Picture, parsePicture } from "./legacy/picture.ts";

/** What a tool says about the picture that it made. */
export interface PictureDetails {
  readonly prompt: string | null;
  readonly model: string | null;
  /** For example `1024x1024`. */
  readonly size: string | null;
  /** ISO 8601. */
  readonly timestamp: string | null;
}

/** What came out of a tool that makes pictures. */
export interface ToolOutput {
  /** Null where the tool failed. */
  readonly picture: Picture | null;
  readonly details: PictureDetails;
  /** Why there is no picture; null where there is one. */
  readonly error: string | null;
}

/**
 * Reads the output of a tool that makes pictures, in today's shape or an older one: an object, or a text
 * such as `✅ **Success**: {json}`. The work is bounded: a text of megabytes costs under a millisecond.
 *
 * @returns null for an output that is about no picture. Never throws.
 */
export function parseToolOutput(output: unknown): ToolOutput | null {
  try {
    return readOutput(output, 0);
  } catch {
    return null;
  }
}

/** How often an output is wrapped at most: a text in a content block in an object. */
const MAX_WRAPPING = 4;
/** Where the output's own members, or the text they stand in, may be. */
const WRAPPERS = [
  "data",
  "result",
  "output",
  "value",
  "content",
  "text",
  "structuredContent",
] as const;
const REFERENCE_NAMES = ["imageReference", "image_reference", "reference"] as const;

const ADDRESS_NAMES = ["fullImageUrl", "full_image_url", "thumbnailUrl", "thumbnail_url"] as const;

function readOutput(output: unknown, depth: number): ToolOutput | null {
  if (depth > MAX_WRAPPING) {
    return null;
  }
  if (typeof output === "string") {
    return readText(output, depth);
  }
  if (Array.isArray(output)) {
    return firstOf(output.slice(0, MAX_BLOCKS), depth);
  }
  const fields = asFields(output);
  if (fields === null) {
    return null;
  }
  if (fields["success"] === false) {
    const error = firstText(fields, ["error", "message", "detail"]) ?? messageOf(fields["error"]);
    return { picture: null, details: readDetails(fields), error: error ?? "" };
  }
  const picture = readPicture(fields);
  if (picture !== null) {
    return { picture, details: readDetails(fields), error: null };
  }
  return firstOf(
    WRAPPERS.map((name) => fields[name]),
    depth,
  );
}

/** Content blocks that are looked at. */
const MAX_BLOCKS = 16;

function firstOf(candidates: readonly unknown[], depth: number): ToolOutput | null {
  for (const candidate of candidates) {
    const read = readOutput(candidate, depth + 1);
    if (read !== null) {
      return read;
    }
  }
  return null;
}

function readPicture(fields: Fields): Picture | null {
  for (const name of REFERENCE_NAMES) {
    const described = asFields(fields[name]);
    if (described !== null) {
      // The addresses stood beside the old references, not in them.
      const beside = Object.fromEntries(ADDRESS_NAMES.map((address) => [address, fields[address]]));
      return parsePicture(described) ?? parsePicture({ ...described, ...beside });
    }
  }
  return parsePicture(fields);
}

/** Characters before the JSON in a text: an emoji, a word of success, a code fence. */
const MAX_PREAMBLE = 512;
const FAILURE = /^\s*(?:❌\s*)?\*{0,2}(?:error|failed|failure)\*{0,2}\s*:\s*/iu;

function readText(text: string, depth: number): ToolOutput | null {
  const start = text.slice(0, MAX_PREAMBLE).indexOf("{");
  if (start >= 0) {
    const json = readJsonAt(text, start);
    return json === null ? null : readOutput(json.value, depth + 1);
  }
  if (readInlineImage(text) !== null) {
    return { picture: parsePicture(text), details: readDetails({}), error: null };
  }
  const failure = FAILURE.exec(text.slice(0, MAX_PREAMBLE));
  return failure === null
    ? null
    : {
        picture: null,
        details: readDetails({}),
        error: text.slice(failure[0].length, MAX_PREAMBLE),
      };
}

function readDetails(fields: Fields): PictureDetails {
  return {
    prompt: firstText(fields, ["prompt", "revised_prompt", "revisedPrompt"]),
    model: firstText(fields, ["model", "model_name", "modelName"]),
    size: firstText(fields, ["size", "dimensions"]),
    timestamp: firstText(fields, ["timestamp", "created_at", "createdAt"]),
  };
}

function messageOf(value: unknown): string | null {
  return firstText(asFields(value), ["message"]);
}
