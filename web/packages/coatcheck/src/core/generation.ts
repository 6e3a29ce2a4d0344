import { asFields, type Fields, firstText } from "./fields.ts";
import { type Dimensions, type MediaState, parseMediaState } from "./media-state.ts";
import {
  type PictureDetails,
  parseToolOutput,
  type ReferencePicture,
  type ToolOutput,
} from "./tool-output.ts";

/** A picture being made, or made: where it stands, and what is known of how. */
export interface Generation<Media = MediaState | LegacyMedia> {
  readonly media: Media;
  readonly details: PictureDetails;
  /** The size that was asked for, in pixels: for a box before, or without, a word about the real one. */
  readonly requested: Dimensions | null;
}

/**
 * An output without a reference, perhaps from before there were any: `parseGeneration` of
 * `coatcheck/legacy` reads it.
 */
export interface LegacyMedia {
  readonly state: "legacy";
}

/** Where a chat tells of a picture; either may be missing. */
export interface GenerationSource {
  /** A tool part of the AI SDK (`tool-generate_image`, `dynamic-tool`), or an older SDK's tool invocation. */
  readonly toolCall?: unknown;
  /** A `data-media` part of the same message. A tool part is taken too. */
  readonly part?: unknown;
}

/**
 * Reads what a chat tells of one picture.
 *
 * The media part is ahead of the tool's output while the picture is being made; the tool call knows what
 * was asked for. What neither can say is null. Never throws.
 *
 * @param source - The parts that tell of the picture.
 */
export function parseGeneration(source: GenerationSource): Generation {
  return readGeneration<ReferencePicture, Generation["media"]>(source, {
    readOutput: parseToolOutput,
    mediaOf: readyOf,
    unread: { state: "legacy" },
  });
}

/** How a generation's output is read. */
export interface GenerationForms<Made, Media> {
  readonly readOutput: (output: unknown) => ToolOutput<Made> | null;
  readonly mediaOf: (made: Made) => Media;
  /** What an output is that was not read; null for one that is about no picture. */
  readonly unread: Media | null;
}

/** The state of a picture that has a reference. */
export function readyOf({ reference }: ReferencePicture): MediaState {
  return { state: "ready", reference, thumbnail: null };
}

/** Reads what a chat tells of a picture whose tool's output is in these forms. Never throws. */
export function readGeneration<Made, Media>(
  { toolCall, part }: GenerationSource,
  forms: GenerationForms<Made, Media>,
): Generation<Media | MediaState> {
  const partFields = asFields(part);
  const isMedia = partFields?.["type"] === "data-media";
  const call = readCall(asFields(toolCall) ?? (isMedia ? null : partFields), forms);
  const told = isMedia ? parseMediaState(partFields["data"]) : null;
  return { media: told ?? call.media, details: call.details, requested: call.requested };
}

function readCall<Made, Media>(
  fields: Fields | null,
  { readOutput, mediaOf, unread }: GenerationForms<Made, Media>,
): Generation<Media | MediaState> {
  // AI SDK 4 wrapped it: {type: "tool-invocation", toolInvocation: {args, result, state}}.
  const call = asFields(fields?.["toolInvocation"]) ?? fields;
  const input = asFields(call?.["input"]) ?? asFields(call?.["args"]);
  const output = call?.["output"] ?? call?.["result"] ?? null;
  const read = readOutput(output);
  const details = completeDetails(read?.details, input);
  const requested = readSize(input) ?? readSize({ size: details.size });
  const error = read?.error ?? firstText(call, ["errorText", "error"]);
  if (error !== null) {
    return { media: { state: "failed", code: "tool_failed", message: error }, details, requested };
  }
  const made = read?.picture ?? null;
  if (made !== null) {
    return { media: mediaOf(made), details, requested };
  }
  if (output !== null && unread !== null) {
    return { media: unread, details, requested };
  }
  const isDone = call?.["state"] === "output-available" || call?.["state"] === "result";
  return {
    media: isDone
      ? parseMediaState(null)
      : { state: "pending", dimensions: requested, alt: details.prompt },
    details,
    requested,
  };
}

/** The output knows better than what was asked for. */
function completeDetails(told: PictureDetails | undefined, input: Fields | null): PictureDetails {
  return {
    prompt: told?.prompt ?? firstText(input, ["prompt", "description", "expression"]),
    model: told?.model ?? firstText(input, ["model"]),
    size: told?.size ?? firstText(input, ["size"]),
    timestamp: told?.timestamp ?? null,
  };
}

const SIZE = /^(\d{1,5})\s*[x×]\s*(\d{1,5})$/iu;
const RATIO = /^(\d{1,3}(?:\.\d{1,3})?)\s*:\s*(\d{1,3}(?:\.\d{1,3})?)$/u;
/** Pixels of the long edge, where only a ratio was asked for: what most models draw. */
const USUAL_EDGE = 1024;

/** How large a picture was asked for: its box can be there before the server has said a word. */
function readSize(input: Fields | null): Dimensions | null {
  const pixels = SIZE.exec(firstText(input, ["size", "dimensions"])?.trim() ?? "");
  const ratio = RATIO.exec(firstText(input, ["aspectRatio", "aspect_ratio"])?.trim() ?? "");
  const [, first, second] = pixels ?? ratio ?? [];
  const [width, height] =
    pixels === null && ratio === null
      ? [Number(input?.["width"]), Number(input?.["height"])]
      : [Number(first), Number(second)];
  if (!(width > 0 && height > 0 && Number.isFinite(width / height))) {
    return null;
  }
  const scale = pixels === null && ratio !== null ? USUAL_EDGE / Math.max(width, height) : 1;
  return { width: Math.round(width * scale), height: Math.round(height * scale) };
}
