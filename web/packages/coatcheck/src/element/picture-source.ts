import { isFetchableAddress } from "../core/address.ts";
import { type MediaReference, parseReference } from "../core/reference.ts";
import { imageSource, savesData } from "../core/source.ts";

/** What the element shows, whether it came as a reference or attribute by attribute. */
export interface PictureSource {
  readonly src: string | null;
  readonly srcSet: string | null;
  readonly thumbnail: string | null;
  /** Base64 ThumbHash. */
  readonly placeholder: string | null;
  /** Pixels of the original; both or neither. */
  readonly width: number | null;
  readonly height: number | null;
  readonly alt: string | null;
}

/** Looks up an attribute by its name; null where there is none. */
type Attributes = (name: string) => string | null;

/**
 * Reads the element's attributes. A `reference` comes first; an attribute beside it that says the
 * same thing in other words has the last word, as `alt=""` for a picture that is decoration.
 *
 * @returns null where there is nothing to show, or what there is cannot be read.
 */
export function readPicture(attribute: Attributes): PictureSource | null {
  const json = attribute("reference");
  if (json !== null) {
    const reference = readReference(json);
    return reference === null ? null : pictureOf(reference, attribute("alt"));
  }
  const width = readLength(attribute("width"));
  const height = readLength(attribute("height"));
  const src = readAddress(attribute("src"));
  if (src === null && attribute("placeholder") === null && attribute("thumbnail") === null) {
    return null;
  }
  return {
    src,
    srcSet: attribute("srcset"),
    thumbnail: readAddress(attribute("thumbnail")),
    placeholder: attribute("placeholder"),
    ...(width === null || height === null ? { width: null, height: null } : { width, height }),
    alt: attribute("alt"),
  };
}

/** What a reference says of its picture. */
export function pictureOf(reference: MediaReference, alt: string | null): PictureSource {
  const source = imageSource(reference, { saveData: savesData() });
  return {
    src: source?.src ?? null,
    srcSet: source?.srcSet ?? null,
    thumbnail: reference.thumbnailUrl ?? null,
    placeholder: reference.placeholder ?? null,
    width: reference.width ?? null,
    height: reference.height ?? null,
    alt: alt ?? reference.alt ?? reference.displayName ?? null,
  };
}

function readReference(json: string): MediaReference | null {
  try {
    return parseReference(JSON.parse(json));
  } catch {
    return null;
  }
}

function readAddress(value: string | null): string | null {
  return isFetchableAddress(value) ? value : null;
}

function readLength(value: string | null): number | null {
  const length = value !== null && WHOLE_NUMBER.test(value) ? Number(value) : 0;
  return length > 0 ? length : null;
}

const WHOLE_NUMBER = /^\d{1,7}$/u;
