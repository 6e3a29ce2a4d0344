import { crc32, inflateSync } from "node:zlib";
import { decodePlaceholder } from "coatcheck";
import { thumbHashToRGBA } from "thumbhash";
import { describe, expect, it } from "vitest";
import { placeholderColor } from "../src/core/placeholder/placeholder.ts";
import { paintHash, readHeader } from "../src/core/placeholder/thumbhash.ts";
import { readVectors } from "./vectors.ts";

const { cases } = readVectors<{
  readonly cases: readonly {
    readonly name: string;
    readonly hash: string;
    readonly width: number;
    readonly height: number;
    readonly averageRgba: readonly [number, number, number, number];
  }[];
}>("thumbhash.json");

describe("decodePlaceholder", () => {
  it.each(cases)("paints $name about as it was", ({ hash, width, height, averageRgba }) => {
    const placeholder = decodePlaceholder(hash);
    expect(placeholder?.dataUrl).toMatch(/^data:image\/png;base64,/u);
    const pixels = decodePng(placeholder?.dataUrl ?? "");

    expect(placeholder?.aspectRatio).toBeCloseTo(width / height, 0);
    expect(Math.abs((placeholder?.aspectRatio ?? 0) / (width / height) - 1)).toBeLessThan(0.2);
    expect(Math.max(pixels.width, pixels.height)).toBe(16);
    expect(pixels.chunks).toEqual({ types: ["IHDR", "IDAT", "IEND"], areIntact: true });
    average(pixels.rgba).forEach((channel, index) => {
      // A hash has five or six bits for each channel's average, and its waves do not quite cancel.
      expect(channel).toBeCloseTo(averageRgba[index] ?? Number.NaN, 0);
      expect(Math.abs(channel - (averageRgba[index] ?? Number.NaN))).toBeLessThan(0.12);
    });
  });

  it.each(cases)("paints $name pixel by pixel as the reference decoder", ({ hash }) => {
    const bytes = Uint8Array.from(Buffer.from(hash, "base64"));
    const header = readHeader(bytes);
    expect(header).not.toBeNull();
    const mine = header === null ? null : paintHash(bytes, header, 32);
    const { w, h, rgba } = thumbHashToRGBA(bytes);
    expect([mine?.width, mine?.height]).toEqual([w, h]);
    // Sums in another order: a value on the border of two bytes may come to either.
    const differences = mine?.rgba.map((value, at) => Math.abs(value - (rgba[at] ?? -9)));
    expect(Math.max(...(differences ?? [9]))).toBeLessThanOrEqual(1);
  });

  it.each(cases)("says the average color of $name", ({ hash, averageRgba }) => {
    const channels = (placeholderColor(hash) ?? "").match(/[\d.]+/gu)?.map(Number) ?? [];
    channels.forEach((channel, index) => {
      const value = index < 3 ? channel / 255 : channel;
      expect(Math.abs(value - (averageRgba[index] ?? Number.NaN))).toBeLessThan(0.12);
    });
    expect(channels.length).toBe(4);
  });

  it.each([
    ["nothing", undefined],
    ["a number", 7],
    ["an empty text", ""],
    ["what is no base64", "%%%%"],
    ["a hash cut short", "GmQBLIZ4eIiPeIiHd4iH"],
    ["a hash with more behind it", "GmQBLIZ4eIiPeIiHd4iHcHj4eHh4"],
    ["a header alone", "GmQBLIY="],
    ["a header without a short side", "GmQBAAZ4eIiPeIiHd4iHcHj4eA=="],
    ["megabytes", "A".repeat(4_000_000)],
  ])("answers %s with null", (_, value) => {
    expect(decodePlaceholder(value)).toBeNull();
    expect(placeholderColor(value)).toBeNull();
  });
});

/** Reads the kind of PNG that is written: 8-bit RGBA, one IDAT, no filters. */
function decodePng(dataUrl: string) {
  const png = Buffer.from(dataUrl.slice(dataUrl.indexOf(",") + 1), "base64");
  const width = png.readUInt32BE(16);
  const height = png.readUInt32BE(20);
  const chunks = { types: [] as string[], areIntact: true };
  for (let at = 8; at < png.length; ) {
    const end = at + 8 + png.readUInt32BE(at);
    chunks.types.push(png.toString("latin1", at + 4, at + 8));
    chunks.areIntact &&= png.readUInt32BE(end) === crc32(png.subarray(at + 4, end));
    at = end + 4;
  }
  const start = png.indexOf("IDAT") + 4;
  const rows = inflateSync(png.subarray(start, start + png.readUInt32BE(start - 8)));
  const rgba: number[][] = [];
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const at = y * (1 + width * 4) + 1 + x * 4;
      rgba.push([...rows.subarray(at, at + 4)].map((value) => value / 255));
    }
  }
  return { width, height, rgba, chunks };
}

/** The mean colour, weighed by opacity, and the mean opacity. */
function average(rgba: readonly (readonly number[])[]): number[] {
  const sum = [0, 0, 0, 0];
  for (const [r = 0, g = 0, b = 0, a = 0] of rgba) {
    for (const [index, value] of [r * a, g * a, b * a, a].entries()) {
      sum[index] = (sum[index] ?? 0) + value;
    }
  }
  const [r = 0, g = 0, b = 0, a = 0] = sum;
  return [r / a || 0, g / a || 0, b / a || 0, a / rgba.length];
}
