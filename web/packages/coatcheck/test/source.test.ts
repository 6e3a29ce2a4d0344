import {
  boxSizes,
  downloadAddress,
  formatBytes,
  imageSource,
  type MediaReference,
  savesData,
  thumbnailAddress,
  windowSizes,
} from "coatcheck";
import { afterEach, describe, expect, it, vi } from "vitest";
import { lighthouse } from "./samples.ts";

const { url } = lighthouse;
const { url: _, thumbnailUrl: __, ...stored } = lighthouse;

describe("imageSource", () => {
  it("is the original alone when the server renders no widths", () => {
    expect(imageSource(lighthouse)).toEqual({ src: url });
    expect(imageSource({ ...lighthouse, variants: [] })).toEqual({ src: url });
  });

  it("offers each width up to the original's once, and the original where none fills a column", () => {
    expect(imageSource({ ...lighthouse, variants: [768, 256, 768, 2048] })).toEqual({
      src: url,
      srcSet: `${url}?w=256 256w, ${url}?w=768 768w, ${url} 1600w`,
    });
    expect(imageSource({ ...lighthouse, variants: [512, 1600] })?.srcSet).toBe(
      `${url}?w=512 512w, ${url}?w=1600 1600w`,
    );
  });

  it("leaves the original to a closer look, however sharp the screen is", () => {
    expect(imageSource({ ...lighthouse, variants: [512, 1024] })?.srcSet).toBe(
      `${url}?w=512 512w, ${url}?w=1024 1024w`,
    );
    expect(imageSource({ ...lighthouse, width: 800, variants: [512, 800] })?.srcSet).toBe(
      `${url}?w=512 512w, ${url}?w=800 800w`,
    );
  });

  it("offers the least to a reader who saves data, and the original to one who looks closer", () => {
    const wide = { ...lighthouse, variants: [512, 1024] };
    expect(imageSource(wide, { saveData: true })?.srcSet).toBe(`${url}?w=512 512w`);
    expect(imageSource(wide, { original: true })).toEqual({ src: url });
    expect(imageSource(wide, { original: true, saveData: true })).toEqual({ src: url });
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

describe("thumbnailAddress", () => {
  const { thumbnailUrl } = lighthouse;
  const wide = { ...lighthouse, variants: [512, 1024] };

  it("is the thumbnail, and the next width where that would be blurred", () => {
    expect(thumbnailAddress(wide, 256)).toBe(thumbnailUrl);
    expect(thumbnailAddress(wide, 320)).toBe(thumbnailUrl);
    expect(thumbnailAddress(wide, 321)).toBe(`${url}?w=512`);
    expect(thumbnailAddress(wide, 4000)).toBe(`${url}?w=512`);
    // A thumbnail of 144 × 256.
    const tall = { ...wide, width: 900, height: 1600 };
    expect(thumbnailAddress(tall, 181)).toBe(`${url}?w=512`);
    const drawing = { ...wide, variants: [64, 128, 256, 512, 768] };
    expect(thumbnailAddress(drawing, 400)).toBe(`${url}?w=512`);
  });

  it("is the thumbnail where there is no wider one, or nothing tells how wide it is", () => {
    expect(thumbnailAddress(lighthouse, 4000)).toBe(thumbnailUrl);
    const { width: _width, height: _height, ...unknown } = wide;
    expect(thumbnailAddress(unknown, 4000)).toBe(thumbnailUrl);
    expect(thumbnailAddress({ ...wide, width: 200, height: 100, variants: [] }, 4000)).toBe(
      thumbnailUrl,
    );
  });

  it("is one of the widths where there is no thumbnail, and null for a stored form", () => {
    const { thumbnailUrl: _thumbnail, ...bare } = wide;
    expect(thumbnailAddress(bare, 0)).toBe(`${url}?w=512`);
    expect(thumbnailAddress(bare, 600)).toBe(`${url}?w=1024`);
    expect(thumbnailAddress(bare, 4000)).toBe(`${url}?w=1024`);
    expect(thumbnailAddress({ ...bare, variants: [] }, 600)).toBe(url);
    expect(thumbnailAddress(stored, 600)).toBeNull();
  });
});

describe("sizes", () => {
  it("are those of the box: no wider than a column, no higher than the looks allow", () => {
    expect(boxSizes({ width: 1600, height: 900 }, "eager")).toBe(
      "min(100vw, 48rem, 1.7778 * 34rem)",
    );
    expect(boxSizes({}, "eager")).toBe("min(100vw, 48rem)");
    const limits = { inlineSize: "46rem", blockSize: "min(32rem, 48svh)" };
    expect(boxSizes({ width: 512, height: 1024 }, "eager", limits)).toBe(
      "min(100vw, 46rem, 0.5000 * min(32rem, 48svh))",
    );
  });

  it("are the browser's own measure where an image loads lazily", () => {
    expect(boxSizes({ width: 1024, height: 1024 }, "lazy")).toBe(
      "auto, min(100vw, 48rem, 1.0000 * 34rem)",
    );
  });

  it("are those of the window for a picture that fits it", () => {
    expect(windowSizes(lighthouse)).toBe("(max-aspect-ratio: 1600/900) 100vw, 177.8vh");
    const { width: _width, height: _height, ...unknown } = lighthouse;
    expect(windowSizes(unknown)).toBe("100vw");
  });
});

describe("savesData", () => {
  afterEach(() => vi.unstubAllGlobals());

  it.each([
    [{ connection: { saveData: true } }, "", true],
    [{ connection: { saveData: false } }, "", false],
    [{}, "", false],
    [{}, "(prefers-reduced-data: reduce)", true],
  ])("reads %j and the system's setting %j as %s", (navigator, setting, saves) => {
    vi.stubGlobal("navigator", navigator);
    vi.stubGlobal("matchMedia", (query: string) => ({ matches: query === setting }));
    expect(savesData()).toBe(saves);
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
