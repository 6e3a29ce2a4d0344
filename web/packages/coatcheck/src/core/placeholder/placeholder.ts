import { toPngUrl } from "./png.ts";
import { averageColor, type HashHeader, paintHash, readHeader } from "./thumbhash.ts";

/** A ThumbHash decoded for painting. */
export interface Placeholder {
  /** A PNG of at most 16 pixels a side as a `data:` URL, to be stretched over the picture's box. */
  readonly dataUrl: string;
  /** Width by height, roughly: for a reference that does not know its pixels. */
  readonly aspectRatio: number;
}

/** Pixels. Every wave of a hash has at least four of them; the browser smooths between. */
const LONG_EDGE = 16;

/**
 * Decodes a base64 ThumbHash.
 *
 * Costs a tenth of a millisecond, so it may run in a render.
 *
 * @returns null for anything that is not exactly one ThumbHash.
 */
export function decodePlaceholder(base64: unknown): Placeholder | null {
  const read = readHash(base64);
  if (read === null) {
    return null;
  }
  const { hash, header } = read;
  return {
    dataUrl: toPngUrl(paintHash(hash, header, LONG_EDGE)),
    aspectRatio: header.wavesX / header.wavesY,
  };
}

/** The average color of a base64 ThumbHash, for CSS; null for anything that is not exactly one. */
export function placeholderColor(base64: unknown): string | null {
  const read = readHash(base64);
  if (read === null) {
    return null;
  }
  const [red, green, blue, alpha = 255] = averageColor(read.hash, read.header);
  return `rgb(${red} ${green} ${blue} / ${(alpha / 255).toFixed(2)})`;
}

function readHash(base64: unknown): { hash: Uint8Array; header: HashHeader } | null {
  const hash = decodeBase64(base64);
  const header = hash === null ? null : readHeader(hash);
  return hash === null || header === null ? null : { hash, header };
}

/** The longest hash: alpha header and every coefficient; leaves room, refuses megabytes. */
const MAX_BASE64_LENGTH = 64;

function decodeBase64(base64: unknown): Uint8Array | null {
  if (typeof base64 !== "string" || base64.length > MAX_BASE64_LENGTH) {
    return null;
  }
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}
