import { isFetchableAddress } from "./address.ts";
import { asFields, type Fields, isEdge, isWholeNumber } from "./fields.ts";

/** How long a media item plays, and how large it is shown; absent when unknown, never null. */
interface MediaMeasures {
  /** Pixels. For images and video; present together with `height`. */
  readonly width?: number;
  /** Pixels. */
  readonly height?: number;
  /** Seconds. For audio and video. */
  readonly duration?: number;
}

/**
 * The light stand-in for a media item, as it travels in messages and rests in histories.
 *
 * The stored form is identity only. The UI form adds the addresses, which the server mints each time a
 * message is sent or read; they are never persisted.
 */
export interface MediaReference extends MediaMeasures {
  readonly type: "media_reference";
  readonly version: 1;
  /** A random UUIDv4 in lower case. */
  readonly id: string;
  /** `media://` followed by the id. */
  readonly uri: string;
  /** Type and subtype in lower case, for example `image/png`. */
  readonly mimeType: string;
  /** Bytes of the original. */
  readonly size: number;
  /** `sha-256:` and 64 hexadecimal digits over the original's bytes. */
  readonly digest: string;
  readonly displayName?: string;
  /** Base64 ThumbHash. */
  readonly placeholder?: string;
  /** What the picture shows, for those who do not see it. */
  readonly alt?: string;
  /** The bytes were kept without a look at them: they are offered as a file and never shown. */
  readonly opaque?: true;
  /** UI form: the original. */
  readonly url?: string;
  /** UI form: the small preview, images and video only. */
  readonly thumbnailUrl?: string;
  /** UI form: widths in pixels that the server renders, ascending. */
  readonly variants?: readonly number[];
}

/**
 * Reads a reference that came from outside, in stored or UI form.
 *
 * Fields the wire format does not name are dropped, so a newer server's additions do no harm. A field
 * it does name with a value it does not allow makes the whole reference invalid: half a reference
 * would show the wrong picture or none.
 *
 * @returns the reference, or null. Never throws, whatever it is given.
 */
export function parseReference(value: unknown): MediaReference | null {
  try {
    return readReference(value);
  } catch {
    // Only an object with a throwing getter or a revoked proxy comes here: not JSON, so not a reference.
    return null;
  }
}

/** Whether the reference is a still or animated picture that an `<img>` can show. */
export function isImage(reference: MediaReference): boolean {
  return reference.mimeType.startsWith("image/") && reference.opaque !== true;
}

function readReference(value: unknown): MediaReference | null {
  // A copy of own properties, read once: a getter cannot answer differently the second time.
  const fields = asFields(value);
  if (fields === null || fields["type"] !== "media_reference" || fields["version"] !== 1) {
    return null;
  }
  const { id, uri, mimeType, size, digest } = fields;
  if (
    !(
      matches(id, UUID_V4) &&
      uri === `media://${id}` &&
      matches(mimeType, MEDIA_TYPE) &&
      isWholeNumber(size, 1) &&
      matches(digest, SHA256)
    )
  ) {
    return null;
  }
  const optional = readOptional(fields);
  if (optional === null) {
    return null;
  }
  return { type: "media_reference", version: 1, id, uri, mimeType, size, digest, ...optional };
}

function readOptional(fields: Fields): Partial<MediaReference> | null {
  const read: Record<string, unknown> = {};
  for (const [name, accepts] of Object.entries(OPTIONAL_FIELDS)) {
    const value = fields[name];
    if (value !== undefined) {
      if (!accepts(value)) {
        return null;
      }
      read[name] = value;
    }
  }
  if ((read["width"] === undefined) !== (read["height"] === undefined)) {
    return null;
  }
  return read;
}

type OptionalField = Exclude<
  keyof MediaReference,
  "type" | "version" | "id" | "uri" | "mimeType" | "size" | "digest"
>;

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u;
const MEDIA_TYPE = /^[a-z]+\/[a-z0-9][a-z0-9.+-]{0,100}$/u;
const SHA256 = /^sha-256:[0-9a-f]{64}$/u;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/u;
/** Bytes of a ThumbHash, least and most; `decodePlaceholder` checks what is in them. */
const PLACEHOLDER_BYTES = [5, 25] as const;
/** Characters. The server sends a fraction of it. */
const MAX_TEXT_LENGTH = 4096;
const MAX_VARIANTS = 32;

const OPTIONAL_FIELDS: Readonly<Record<OptionalField, (value: unknown) => boolean>> = {
  width: isEdge,
  height: isEdge,
  duration: (value) => typeof value === "number" && Number.isFinite(value) && value >= 0,
  displayName: (value) => isText(value) && value !== "",
  placeholder: isPlaceholder,
  alt: (value) => isText(value) && value !== "",
  opaque: (value) => value === true,
  url: isFetchableAddress,
  thumbnailUrl: isFetchableAddress,
  variants: (value) => Array.isArray(value) && value.length <= MAX_VARIANTS && value.every(isEdge),
};

function matches(value: unknown, pattern: RegExp): value is string {
  return typeof value === "string" && pattern.test(value);
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value.length <= MAX_TEXT_LENGTH;
}

function isPlaceholder(value: unknown): boolean {
  if (!matches(value, BASE64)) {
    return false;
  }
  const padding = value.endsWith("==") ? 2 : Number(value.endsWith("="));
  const bytes = (value.length / 4) * 3 - padding;
  const [least, most] = PLACEHOLDER_BYTES;
  return bytes >= least && bytes <= most;
}
