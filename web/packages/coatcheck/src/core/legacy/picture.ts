import { isFetchableAddress } from "../address.ts";
import { asFields, type Fields, firstText, isEdge } from "../fields.ts";
import type { Dimensions } from "../media-state.ts";
import { parseReference } from "../reference.ts";
import type { ReferencePicture } from "../tool-output.ts";
import { type InlineImage, readInlineImage } from "./inline-image.ts";

/** A picture as messages carried it before there were references. */
export interface LegacyImage {
  /** As its server named it; null where the bytes are all there is. */
  readonly id: string | null;
  readonly dimensions: Dimensions | null;
  readonly name: string | null;
  readonly alt: string | null;
  /** The picture itself: bytes, or the address it is fetched from. At least this or a thumbnail is there. */
  readonly source: InlineImage | string | null;
  readonly thumbnail: InlineImage | string | null;
}

/** A picture in any of the shapes that a message may hold it in. */
export type Picture = ReferencePicture | { readonly kind: "legacy"; readonly image: LegacyImage };

/**
 * Reads a picture in any shape: a reference, one in snake case, the `imageReference` of old tools, or
 * an object with the bytes or an address under one of the old names.
 *
 * @returns null where there is none. Never throws.
 */
export function parsePicture(value: unknown): Picture | null {
  const reference = parseReference(value) ?? parseReference(inCamelCase(value));
  if (reference !== null) {
    return { kind: "reference", reference };
  }
  try {
    const image = readLegacyImage(value);
    return image === null ? null : { kind: "legacy", image };
  } catch {
    return null;
  }
}

function readLegacyImage(value: unknown): LegacyImage | null {
  const fields = value instanceof Blob ? null : asFields(value);
  // A reference that breaks the rules is refused as a whole, whatever else it holds.
  return fields?.["type"] === "media_reference" ? null : readMembers(fields ?? { data: value });
}

function readMembers(fields: Fields): LegacyImage | null {
  const mimeType = firstText(fields, MIME_TYPE_NAMES);
  const source = firstSource(fields, SOURCE_NAMES, mimeType);
  const thumbnail = firstSource(fields, THUMBNAIL_NAMES, null);
  if (source === null && thumbnail === null) {
    return null;
  }
  const { width, height } = fields;
  return {
    id: firstText(fields, ["image_id", "imageId", "id"]),
    dimensions: isEdge(width) && isEdge(height) ? { width, height } : null,
    name: firstText(fields, ["displayName", "display_name", "filename", "file_name", "name"]),
    alt: firstText(fields, ["alt", "description"]),
    source,
    thumbnail,
  };
}

const MIME_TYPE_NAMES = ["mimeType", "mime_type", "mediaType", "media_type"] as const;
/** In the order of trust: bytes that are here before an address that may be gone. */
const SOURCE_NAMES = [
  "imageData",
  "image_data",
  "b64_json",
  "data",
  "imageUrl",
  "image_url",
  "fullImageUrl",
  "full_image_url",
  "url",
] as const;
const THUMBNAIL_NAMES = [
  // biome-ignore lint/security/noSecrets: a member's name
  "thumbnailBase64",
  "thumbnail_base64",
  "thumbnailUrl",
  "thumbnail_url",
] as const;

function firstSource(
  fields: Fields,
  names: readonly string[],
  mimeType: string | null,
): InlineImage | string | null {
  for (const name of names) {
    const value = fields[name];
    const inline = readInlineImage(value, mimeType);
    if (inline !== null) {
      return inline;
    }
    // A `file://` of the server's own disk is none.
    if (isFetchableAddress(value)) {
      return value;
    }
  }
  return null;
}

/** `mime_type` → `mimeType`, for the members that a reference has. */
function inCamelCase(value: unknown): unknown {
  const fields = asFields(value);
  if (fields === null || fields["type"] !== "media_reference") {
    return null;
  }
  return Object.fromEntries(
    Object.entries(fields).map(([name, member]) => [CAMEL_CASE.get(name) ?? name, member]),
  );
}

const CAMEL_CASE: ReadonlyMap<string, string> = new Map([
  ["mime_type", "mimeType"],
  ["display_name", "displayName"],
  ["thumbnail_url", "thumbnailUrl"],
]);
