import { isFetchableAddress } from "./address.ts";
import { asFields, type Fields, firstText, isWholeNumber } from "./fields.ts";
import { type MediaReference, parseReference } from "./reference.ts";

/** Pixels of a picture, known before the picture is. */
export interface Dimensions {
  readonly width: number;
  readonly height: number;
}

/** The life of a `data-media` part: its id stays, its state moves from pending to ready or failed. */
export type MediaState =
  | {
      readonly state: "pending";
      readonly dimensions: Dimensions | null;
      readonly alt: string | null;
    }
  | {
      readonly state: "preview";
      readonly dimensions: Dimensions | null;
      /** 0 to 1, or null when the maker of the picture cannot tell. */
      readonly progress: number | null;
      readonly thumbnailUrl: string | null;
      /** The draft itself, where it was pushed instead of offered under a URL. */
      readonly blob: Blob | null;
    }
  | {
      readonly state: "ready";
      readonly reference: MediaReference;
      /** The thumbnail itself, where it was pushed ahead. */
      readonly thumbnail: Blob | null;
    }
  | { readonly state: "failed"; readonly code: string; readonly message: string };

/**
 * Reads the data of a `data-media` part.
 *
 * What cannot be read becomes a failed state with code `media_unreadable`, because a part that is in
 * the message should never vanish from the page. Never throws.
 */
export function parseMediaState(data: unknown): MediaState {
  try {
    return readMediaState(data) ?? UNREADABLE;
  } catch {
    return UNREADABLE;
  }
}

const UNREADABLE: MediaState = {
  state: "failed",
  code: "media_unreadable",
  message: "This media arrived in a form that the page cannot read.",
};

function readMediaState(data: unknown): MediaState | null {
  const fields = asFields(data);
  switch (fields?.["state"]) {
    case "pending":
      return {
        state: "pending",
        dimensions: readDimensions(fields),
        alt: typeof fields["alt"] === "string" ? fields["alt"] : null,
      };
    case "preview":
      return {
        state: "preview",
        dimensions: readDimensions(fields),
        progress: readProgress(fields["progress"]),
        thumbnailUrl: isFetchableAddress(fields["thumbnailUrl"]) ? fields["thumbnailUrl"] : null,
        blob: readBlob(fields["blob"]),
      };
    case "ready": {
      const reference = parseReference(fields["reference"]);
      return reference === null
        ? null
        : { state: "ready", reference, thumbnail: readBlob(fields["thumbnail"]) };
    }
    case "failed": {
      const error = asFields(fields["error"]);
      return {
        state: "failed",
        code: firstText(error, ["code"]) ?? "unknown",
        message: firstText(error, ["message"]) ?? "The media could not be made.",
      };
    }
    default:
      return null;
  }
}

function readDimensions(fields: Fields): Dimensions | null {
  const { width, height } = fields;
  return isWholeNumber(width, 1) && isWholeNumber(height, 1) ? { width, height } : null;
}

function readProgress(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value)
    ? Math.min(1, Math.max(0, value))
    : null;
}

/** Only this page makes blobs: whatever else stands in the place of one came over the wire. */
function readBlob(value: unknown): Blob | null {
  return value instanceof Blob ? value : null;
}
