import type { Pixels } from "./thumbhash.ts";

/**
 * Writes a small picture as a PNG in a `data:` URL: 8-bit RGBA, rows unfiltered and uncompressed
 * (https://www.w3.org/TR/png-3/). A canvas would write a smaller one, and cost more than it saves.
 *
 * @param pixels at most 64 KiB of them: one stored block of deflate.
 */
export function toPngUrl({ width, height, rgba }: Pixels): string {
  const stride = width * 4;
  const rows = height * (stride + 1); // each begins with its filter
  const bytes = new Uint8Array(START + rows + END);
  const view = new DataView(bytes.buffer);
  bytes.set(SIGNATURE);
  const header = beginChunk(view, 8, "IHDR", 13);
  view.setUint32(header, width);
  view.setUint32(header + 4, height);
  view.setUint16(header + 8, 0x08_06); // bits a channel; red, green, blue and alpha
  endChunk(view, header, 13);
  const data = beginChunk(view, 33, "IDAT", ZLIB + rows + 4);
  // zlib's header, then one stored block, the last: its length, and that inverted.
  view.setUint16(data, 0x78_01);
  view.setUint8(data + 2, 1);
  view.setUint16(data + 3, rows, true);
  view.setUint16(data + 5, ~rows, true);
  for (let y = 0; y < height; y += 1) {
    bytes.set(rgba.subarray(y * stride, (y + 1) * stride), START + y * (stride + 1) + 1);
  }
  view.setUint32(START + rows, adler32(bytes.subarray(START, START + rows)));
  endChunk(view, data, ZLIB + rows + 4);
  endChunk(view, beginChunk(view, START + rows + 8, "IEND", 0), 0);
  return `data:image/png;base64,${btoa(String.fromCharCode(...bytes))}`;
}

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10] as const;
/** Bytes of zlib's header and of that of its block. */
const ZLIB = 7;
/** Where the rows begin: after the signature, IHDR, and the beginning of IDAT. */
const START = 8 + 25 + 8 + ZLIB;
/** What comes after them: their checksum, the end of IDAT, and IEND. */
const END = 4 + 4 + 12;

/** Writes a chunk's length and type; where its data begin. */
function beginChunk(view: DataView, at: number, type: string, length: number): number {
  view.setUint32(at, length);
  for (let letter = 0; letter < 4; letter += 1) {
    view.setUint8(at + 4 + letter, type.charCodeAt(letter));
  }
  return at + 8;
}

function endChunk(view: DataView, data: number, length: number): void {
  view.setUint32(data + length, crc32(new Uint8Array(view.buffer, data - 4, length + 4)));
}

/** Half a byte at a time: a table for whole bytes would take longer to make than it saves. */
function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    crc = (crc >>> 4) ^ (CRC_OF_NIBBLES[crc & 15] ?? 0);
    crc = (crc >>> 4) ^ (CRC_OF_NIBBLES[crc & 15] ?? 0);
  }
  return ~crc;
}

/** The remainders of each nibble by PNG's polynomial, 0xEDB88320. */
// biome-ignore format: a table
const CRC_OF_NIBBLES = [
  0x00_00_00_00, 0x1d_b7_10_64, 0x3b_6e_20_c8, 0x26_d9_30_ac, 0x76_dc_41_90, 0x6b_6b_51_f4, 0x4d_b2_61_58, 0x50_05_71_3c,
  0xed_b8_83_20, 0xf0_0f_93_44, 0xd6_d6_a3_e8, 0xcb_61_b3_8c, 0x9b_64_c2_b0, 0x86_d3_d2_d4, 0xa0_0a_e2_78, 0xbd_bd_f2_1c,
] as const;

function adler32(bytes: Uint8Array): number {
  let sum = 1;
  let sums = 0;
  // The sums of 64 KiB are exact in a number, so that one remainder at the end is enough.
  for (const byte of bytes) {
    sum += byte;
    sums += sum;
  }
  return (sums % 65_521) * 65_536 + (sum % 65_521);
}
