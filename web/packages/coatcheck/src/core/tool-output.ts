import { asFields, type Fields, firstText } from "./fields.ts";
import { LARGE_FRAME, parseJson } from "./json.ts";
import { type MediaReference, parseReference } from "./reference.ts";

/** What a tool says about the picture that it made. */
export interface PictureDetails {
  readonly prompt: string | null;
  readonly model: string | null;
  /** For example `1024x1024`. */
  readonly size: string | null;
  /** ISO 8601. */
  readonly timestamp: string | null;
}

/** A picture that a tool names by its reference. */
export interface ReferencePicture {
  readonly kind: "reference";
  readonly reference: MediaReference;
}

/** What came out of a tool that makes pictures. */
export interface ToolOutput<Made = ReferencePicture> {
  /** Null where the tool failed. */
  readonly picture: Made | null;
  readonly details: PictureDetails;
  /** Why there is no picture; null where there is one. */
  readonly error: string | null;
}

/** How pictures stand in outputs: as references, or in every form that there ever was. */
export interface OutputForms<Made> {
  /** The picture that an object is, or names. */
  readonly readPicture: (fields: Fields) => Made | null;
  /** The JSON value that begins at `start`; undefined where there is none. */
  readonly readJson: (text: string, start: number) => unknown;
  /** The picture that a text is as a whole. */
  readonly readText: (text: string) => Made | null;
}

/**
 * Reads the output of a tool that makes pictures and names them by reference: an object, the JSON of one
 * in a text or in content blocks, or a text that tells of a failure.
 *
 * @returns null for any other output; `parseToolOutput` of `coatcheck/legacy` reads older ones. Never throws.
 */
export function parseToolOutput(output: unknown): ToolOutput | null {
  return readToolOutput(output, REFERENCES);
}

/** Reads an output whose pictures are in these forms, or null. Never throws. */
export function readToolOutput<Made>(
  output: unknown,
  forms: OutputForms<Made>,
): ToolOutput<Made> | null {
  try {
    return readOutput(output, forms, 0);
  } catch {
    return null;
  }
}

/** Where an object names its picture. */
export const REFERENCE_NAMES = ["imageReference", "image_reference", "reference"] as const;

const REFERENCES: OutputForms<ReferencePicture> = {
  readPicture: (fields) => {
    const named = REFERENCE_NAMES.map((name) => fields[name]);
    for (const candidate of [...named, fields]) {
      const reference = parseReference(candidate);
      if (reference !== null) {
        return { kind: "reference", reference };
      }
    }
    return null;
  },
  // A longer one holds a picture's bytes.
  readJson: (text, start) =>
    text.length > LARGE_FRAME ? undefined : parseJson(text.slice(start, text.lastIndexOf("}") + 1)),
  readText: () => null,
};

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

function readOutput<Made>(
  output: unknown,
  forms: OutputForms<Made>,
  depth: number,
): ToolOutput<Made> | null {
  if (depth > MAX_WRAPPING) {
    return null;
  }
  if (typeof output === "string") {
    return readText(output, forms, depth);
  }
  if (Array.isArray(output)) {
    return firstOf(output.slice(0, MAX_BLOCKS), forms, depth);
  }
  const fields = asFields(output);
  if (fields === null) {
    return null;
  }
  if (fields["success"] === false) {
    const error = firstText(fields, ["error", "message", "detail"]) ?? messageOf(fields["error"]);
    return { picture: null, details: readDetails(fields), error: error ?? "" };
  }
  const picture = forms.readPicture(fields);
  if (picture !== null) {
    return { picture, details: readDetails(fields), error: null };
  }
  const wrapped = WRAPPERS.map((name) => fields[name]);
  return firstOf(wrapped, forms, depth);
}

/** Content blocks that are looked at. */
const MAX_BLOCKS = 16;

function firstOf<Made>(
  candidates: readonly unknown[],
  forms: OutputForms<Made>,
  depth: number,
): ToolOutput<Made> | null {
  for (const candidate of candidates) {
    const read = readOutput(candidate, forms, depth + 1);
    if (read !== null) {
      return read;
    }
  }
  return null;
}

/** Characters before the JSON in a text: an emoji, a word of success, a code fence. */
const MAX_PREAMBLE = 512;
const FAILURE = /^\s*(?:❌\s*)?\*{0,2}(?:error|failed|failure)\*{0,2}\s*:\s*/iu;

function readText<Made>(
  text: string,
  forms: OutputForms<Made>,
  depth: number,
): ToolOutput<Made> | null {
  const start = text.slice(0, MAX_PREAMBLE).indexOf("{");
  if (start >= 0) {
    return readOutput(forms.readJson(text, start), forms, depth + 1);
  }
  const picture = forms.readText(text);
  if (picture !== null) {
    return { picture, details: readDetails({}), error: null };
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
