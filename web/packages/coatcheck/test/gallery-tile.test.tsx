// @vitest-environment happy-dom
import { cleanup, fireEvent, render } from "@testing-library/react";
import type { MediaReference } from "coatcheck";
import { afterEach, expect, it, vi } from "vitest";
import { GalleryTile } from "../src/react/gallery-tile.tsx";
import { lighthouse } from "./samples.ts";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const { url, thumbnailUrl } = lighthouse;
const BOX = { index: 0, start: 0, top: 0, width: 341.3, height: 192 };

function tile(reference: MediaReference, isFast = false) {
  return (
    <GalleryTile
      box={BOX}
      count={1}
      reference={reference}
      isActive={true}
      isFast={isFast}
      onOpen={() => undefined}
    />
  );
}

const image = () => document.querySelector("img");

it("lets the browser take a wider file than the thumbnail, by the tile's width", () => {
  render(tile({ ...lighthouse, variants: [512, 1024] }));
  expect(image()?.getAttribute("srcset")).toBe(`${thumbnailUrl} 256w, ${url}?w=512 512w`);
  expect(image()?.getAttribute("sizes")).toBe("341px");
  expect(image()?.getAttribute("src")).toBe(thumbnailUrl);
});

it("falls back on the thumbnail where the server has no width to show", () => {
  render(tile({ ...lighthouse, variants: [512] }));
  fireEvent.error(image() as Element);
  expect(image()?.hasAttribute("srcset")).toBe(false);
  expect(image()?.getAttribute("src")).toBe(thumbnailUrl);
});

it("never takes the original for a tile where there is another file", () => {
  const { thumbnailUrl: _, ...bare } = lighthouse;
  render(tile({ ...bare, variants: [512, 1024] }));
  expect(image()?.getAttribute("srcset")).not.toContain(`${url} `);
});

it("fetches nothing while the gallery races past, and the thumbnail alone to save data", () => {
  const { rerender } = render(tile(lighthouse, true));
  expect(image()).toBeNull();
  vi.stubGlobal("matchMedia", () => ({ matches: true }));
  rerender(tile({ ...lighthouse, variants: [512] }));
  expect(image()?.hasAttribute("srcset")).toBe(false);
});
