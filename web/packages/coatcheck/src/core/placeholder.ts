import { thumbHashToApproximateAspectRatio, thumbHashToDataURL } from "thumbhash";

/** A ThumbHash decoded for painting. */
export interface Placeholder {
  /** A PNG of at most 32 pixels a side as a `data:` URL, to be stretched over the picture's box. */
  readonly dataUrl: string;
  /** Width by height, roughly: for a reference that does not know its pixels. */
  readonly aspectRatio: number;
}

/**
 * Decodes a base64 ThumbHash.
 *
 * Costs well under a millisecond, so it may run in a render.
 *
 * @returns null for anything that is not exactly one ThumbHash: the decoder itself reads past the end
 * of a short hash and paints noise.
 */
export function decodePlaceholder(base64: unknown): Placeholder | null {
  const hash = decodeBase64(base64);
  if (hash === null || hash.length !== expectedLength(hash)) {
    return null;
  }
  return {
    dataUrl: thumbHashToDataURL(hash),
    aspectRatio: thumbHashToApproximateAspectRatio(hash),
  };
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

/**
 * Bytes a hash with this header must have, or null when the header cannot be one.
 *
 * The layout is that of https://evanw.github.io/thumbhash/: five header bytes (six with alpha), then
 * four bits for each AC coefficient of luminance, two chroma channels and alpha.
 */
function expectedLength(hash: Uint8Array): number | null {
  const [, , byte2, byte3, byte4] = hash;
  if (byte2 === undefined || byte3 === undefined || byte4 === undefined) {
    return null;
  }
  const hasAlpha = byte2 >> 7 === 1;
  const isLandscape = byte4 >> 7 === 1;
  const shortSide = byte3 & 7;
  if (shortSide === 0) {
    return null;
  }
  const longSide = hasAlpha ? 5 : 7;
  const luminanceX = Math.max(3, isLandscape ? longSide : shortSide);
  const luminanceY = Math.max(3, isLandscape ? shortSide : longSide);
  const coefficients =
    countCoefficients(luminanceX, luminanceY) +
    2 * countCoefficients(3, 3) +
    (hasAlpha ? countCoefficients(5, 5) : 0);
  return (hasAlpha ? 6 : 5) + Math.ceil(coefficients / 2);
}

/** AC coefficients of a channel: the triangle below the anti-diagonal, less the DC term. */
function countCoefficients(nx: number, ny: number): number {
  let count = 0;
  for (let y = 0; y < ny; y += 1) {
    for (let x = y === 0 ? 1 : 0; x * ny < nx * (ny - y); x += 1) {
      count += 1;
    }
  }
  return count;
}
