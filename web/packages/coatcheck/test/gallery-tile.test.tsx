// @vitest-environment happy-dom
import { cleanup, render } from "@testing-library/react";
import type { MediaReference } from "coatcheck";
import { afterEach, expect, it, vi } from "vitest";
import { GalleryTile } from "../src/react/gallery-tile.tsx";
import { lighthouse } from "./samples.ts";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const { url, thumbnailUrl } = lighthouse;
const wide = { ...lighthouse, variants: [512, 1024] };
const BOX = { index: 0, start: 0, top: 0, width: 288, height: 192 };

/** The tile's pictures, the topmost first, but for its blur. */
function pictures(reference: MediaReference): string[] {
  const { container } = render(
    <GalleryTile
      box={BOX}
      count={1}
      reference={reference}
      isActive={true}
      onOpen={() => undefined}
    />,
  );
  const style = container.querySelector("button")?.style.backgroundImage ?? "";
  const layers = [...style.matchAll(/url\("?([^")]*)"?\)/gu)].map(([, address]) => address ?? "");
  return layers.filter((address) => !address.startsWith("data:"));
}

it("is the thumbnail, and on a sharp screen the next width on top of it", () => {
  vi.stubGlobal("devicePixelRatio", 1);
  expect(pictures(wide)).toEqual([thumbnailUrl]);
  vi.stubGlobal("devicePixelRatio", 2);
  expect(pictures(wide)).toEqual([`${url}?w=512`, thumbnailUrl]);
});

it("is the thumbnail alone for a reader who saves data", () => {
  vi.stubGlobal("devicePixelRatio", 2);
  vi.stubGlobal("matchMedia", () => ({ matches: true }));
  expect(pictures(wide)).toEqual([thumbnailUrl]);
});

it("takes the original only where there is nothing else, and nothing for a stored form", () => {
  const { thumbnailUrl: _thumbnail, ...bare } = wide;
  expect(pictures(bare)).toEqual([`${url}?w=512`]);
  expect(pictures({ ...bare, variants: [] })).toEqual([url]);
  const { url: _url, ...stored } = bare;
  expect(pictures(stored)).toEqual([]);
});

it("keeps an address from ending its own quotes", () => {
  expect(pictures({ ...lighthouse, thumbnailUrl: '/t?"x' })).toEqual(["/t?%22x"]);
});
