import { downloadAddress, formatBytes, imageSource, type MediaReference } from "coatcheck";
import { describe, expect, it } from "vitest";
import { lighthouse } from "./samples.ts";

const { url } = lighthouse;
const { url: _, thumbnailUrl: __, ...stored } = lighthouse;

describe("imageSource", () => {
  it("is the original alone when the server renders no widths", () => {
    expect(imageSource(lighthouse)).toEqual({ src: url });
    expect(imageSource({ ...lighthouse, variants: [] })).toEqual({ src: url });
  });

  it("offers each width below the original's once, and the original", () => {
    expect(imageSource({ ...lighthouse, variants: [768, 256, 768, 1600, 2048] })).toEqual({
      src: url,
      srcSet: `${url}?w=256 256w, ${url}?w=768 768w, ${url} 1600w`,
    });
  });

  it("keeps a signed query as it is", () => {
    const signed: MediaReference = { ...lighthouse, url: "/m/1?sig=a%2Fb#x", variants: [256] };
    expect(imageSource(signed)?.srcSet).toContain("/m/1?sig=a%2Fb&w=256#x 256w");
  });

  it("is null for a stored form, which has no address", () => {
    expect(imageSource(stored)).toBeNull();
    expect(downloadAddress(stored)).toBeNull();
  });
});

it("asks for an attachment to download", () => {
  expect(downloadAddress(lighthouse)).toBe(`${url}?download=true`);
});

it.each([
  [0, "0 B"],
  [640, "640 B"],
  [999, "999 B"],
  [1000, "1.0 KB"],
  [1_843_322, "1.8 MB"],
  [999_960, "1.0 MB"],
  [123_456, "123 KB"],
  [5e12, "5.0 TB"],
])("formats %d bytes as %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});
