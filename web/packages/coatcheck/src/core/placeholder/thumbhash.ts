/**
 * Decodes a ThumbHash into pixels (https://evanw.github.io/thumbhash/).
 *
 * The reference decoder paints 32 pixels a side and sums every wave anew for each of them: two
 * milliseconds of a message's render, most of what a picture cost the page. No wave of a hash is
 * shorter than two sevenths of a side, so sixteen pixels hold them all, and the sums are separable.
 */

/** Pixels, row by row, four bytes each: red, green, blue, alpha. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array;
}

/** What a hash says of the picture before its waves. */
export interface HashHeader {
  readonly hasAlpha: boolean;
  /** Waves of luminance along each side; their ratio is about the picture's. */
  readonly wavesX: number;
  readonly wavesY: number;
}

/** Cosine waves that add up to one channel. `rows[cy][cx]` is a coefficient. */
interface Channel {
  readonly average: number;
  readonly rows: readonly (readonly number[])[];
}

/** Bytes before the coefficients; one more with alpha. */
const HEADER_BYTES = 5;

/**
 * Reads a hash's header.
 *
 * @returns null for anything that is not exactly one hash: too short, too long, or without a side.
 */
export function readHeader(hash: Uint8Array): HashHeader | null {
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
  const header = {
    hasAlpha,
    wavesX: isLandscape ? longSide : shortSide,
    wavesY: isLandscape ? shortSide : longSide,
  };
  return hash.length === expectedLength(header) ? header : null;
}

/**
 * Paints a hash.
 *
 * @param hash one that {@link readHeader} takes.
 * @param longEdge pixels of the longer side.
 */
export function paintHash(hash: Uint8Array, header: HashHeader, longEdge: number): Pixels {
  const [l, p, q, a] = readChannels(hash, header);
  const ratio = header.wavesX / header.wavesY;
  const width = Math.round(ratio > 1 ? longEdge : longEdge * ratio);
  const height = Math.round(ratio > 1 ? longEdge / ratio : longEdge);
  const luminance = sample(l, width, height);
  const yellowBlue = sample(p, width, height);
  const redGreen = sample(q, width, height);
  const opacity = a === null ? null : sample(a, width, height);
  const rgba = new Uint8Array(width * height * 4);
  for (let pixel = 0, at = 0; at < rgba.length; pixel += 1, at += 4) {
    const light = luminance[pixel] ?? 0;
    const blue = light - (2 / 3) * (yellowBlue[pixel] ?? 0);
    const red = (3 * light - blue + (redGreen[pixel] ?? 0)) / 2;
    rgba[at] = toByte(red);
    rgba[at + 1] = toByte(red - (redGreen[pixel] ?? 0));
    rgba[at + 2] = toByte(blue);
    rgba[at + 3] = opacity === null ? 255 : toByte(opacity[pixel] ?? 0);
  }
  return { width, height, rgba };
}

/** The one color of a hash that is nearest to all of its pixels, as in {@link Pixels}. */
export function averageColor(hash: Uint8Array, header: HashHeader): Uint8Array {
  const [l, p, q, a] = readChannels(hash, header);
  const blue = l.average - (2 / 3) * p.average;
  const red = (3 * l.average - blue + q.average) / 2;
  return Uint8Array.from([red, red - q.average, blue, a?.average ?? 1], toByte);
}

/** Luminance, yellow–blue, red–green and alpha; the last is null where the hash has none. */
function readChannels(
  hash: Uint8Array,
  { hasAlpha, wavesX, wavesY }: HashHeader,
): readonly [Channel, Channel, Channel, Channel | null] {
  const [byte0 = 0, byte1 = 0, byte2 = 0, byte3 = 0, byte4 = 0, byte5 = 0] = hash;
  const averages = byte0 | (byte1 << 8) | (byte2 << 16);
  const scales = byte3 | (byte4 << 8);
  let nibble = 2 * (hasAlpha ? HEADER_BYTES + 1 : HEADER_BYTES);
  const readChannel = (average: number, scale: number, nx: number, ny: number): Channel => {
    const rows: number[][] = [];
    for (let cy = 0; cy < ny; cy += 1) {
      const row = cy === 0 ? [0] : []; // the average stands for the first one
      while (row.length * ny < nx * (ny - cy)) {
        const value = ((hash[nibble >> 1] ?? 0) >> ((nibble & 1) * 4)) & 15;
        row.push((value / 7.5 - 1) * scale);
        nibble += 1;
      }
      rows.push(row);
    }
    return { average, rows };
  };
  // In this order the coefficients lie in the hash. Chroma is stored at four fifths.
  const luminance = readChannel(
    (averages & 63) / 63,
    ((averages >> 18) & 31) / 31,
    Math.max(3, wavesX),
    Math.max(3, wavesY),
  );
  const chromaScale = 1.25 / 63;
  const p = ((averages >> 6) & 63) / 31.5 - 1;
  const yellowBlue = readChannel(p, ((scales >> 3) & 63) * chromaScale, 3, 3);
  const q = ((averages >> 12) & 63) / 31.5 - 1;
  const redGreen = readChannel(q, ((scales >> 9) & 63) * chromaScale, 3, 3);
  const alpha = hasAlpha ? readChannel((byte5 & 15) / 15, (byte5 >> 4) / 15, 5, 5) : null;
  return [luminance, yellowBlue, redGreen, alpha];
}

/** The channel at the middle of each pixel: along the rows first, then down the columns. */
function sample({ average, rows }: Channel, width: number, height: number): Float64Array {
  const values = new Float64Array(width * height).fill(average);
  for (const [cy, row] of rows.entries()) {
    const across = new Float64Array(width);
    for (const [cx, coefficient] of row.entries()) {
      for (let x = 0; x < width; x += 1) {
        across[x] = (across[x] ?? 0) + 2 * coefficient * wave(cx, x, width);
      }
    }
    for (let y = 0, at = 0; y < height; y += 1) {
      const down = wave(cy, y, height);
      for (let x = 0; x < width; x += 1, at += 1) {
        values[at] = (values[at] ?? 0) + down * (across[x] ?? 0);
      }
    }
  }
  return values;
}

function wave(frequency: number, pixel: number, pixels: number): number {
  return Math.cos((Math.PI / pixels) * (pixel + 0.5) * frequency);
}

function toByte(value: number): number {
  return Math.max(0, Math.min(255, Math.trunc(255 * value)));
}

/**
 * Bytes a hash with this header has: the header, then four bits for each AC coefficient of luminance,
 * two chroma channels and alpha.
 */
function expectedLength({ hasAlpha, wavesX, wavesY }: HashHeader): number {
  const coefficients =
    countCoefficients(Math.max(3, wavesX), Math.max(3, wavesY)) +
    2 * countCoefficients(3, 3) +
    (hasAlpha ? countCoefficients(5, 5) : 0);
  return (hasAlpha ? HEADER_BYTES + 1 : HEADER_BYTES) + Math.ceil(coefficients / 2);
}

/** AC coefficients of a channel: the triangle below the anti-diagonal, less the DC term. */
function countCoefficients(nx: number, ny: number): number {
  let count = -1;
  for (let cy = 0; cy < ny; cy += 1) {
    count += Math.ceil((nx * (ny - cy)) / ny);
  }
  return count;
}
