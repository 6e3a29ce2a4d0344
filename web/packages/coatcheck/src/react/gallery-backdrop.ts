import { type GalleryLayout, tilesWithin } from "../core/gallery-layout.ts";
import { placeholderColor } from "../core/placeholder/placeholder.ts";
import type { MediaReference } from "../core/reference.ts";

/** What is painted: the tiles' boxes, and the pictures in the same order. */
export interface BackdropScene {
  readonly content: GalleryLayout;
  readonly references: readonly MediaReference[];
  /** CSS pixels of the region that is seen. */
  readonly width: number;
  readonly height: number;
  /** CSS pixels from the top of the content to the top of the region. */
  readonly top: number;
}

/**
 * Paints what passes by a reader who races: each tile as one color. A tile costs a hundredth of what it
 * costs as an element, and no reader makes out more of it.
 */
export function paintBackdrop(canvas: HTMLCanvasElement, scene: BackdropScene): void {
  const { content, references, width, height, top } = scene;
  // The browser scrolls on by itself while this is painted. Below its end the content must not grow.
  const reach = Math.min(height * 2, content.height);
  const begin = Math.min(Math.max(0, top - height / 2), content.height - reach);
  const context = canvas.getContext("2d");
  if (canvas.hidden) {
    canvas.hidden = false;
    canvas.width = Math.ceil(width * RESOLUTION);
    canvas.height = Math.ceil(reach * RESOLUTION);
    canvas.style.inlineSize = `${width}px`;
    canvas.style.blockSize = `${reach}px`;
    const isRightToLeft = getComputedStyle(canvas).direction === "rtl";
    context?.setTransform(
      isRightToLeft ? -RESOLUTION : RESOLUTION,
      0,
      0,
      RESOLUTION,
      isRightToLeft ? width * RESOLUTION : 0,
      0,
    );
  }
  canvas.style.transform = `translateY(${begin}px)`;
  context?.clearRect(0, 0, width, reach);
  const { from, to } = tilesWithin(content, begin, begin + reach);
  for (let index = from; index < to; index += 1) {
    const [box, reference] = [content.tiles[index], references[index]];
    if (context && box !== undefined && reference !== undefined) {
      context.fillStyle = colorOf(reference);
      context.fillRect(box.start, box.top - begin, box.width, box.height);
    }
  }
}

/** Pixels of the canvas for one of CSS: the edges are as soft as what moves so fast. */
const RESOLUTION = 0.25;

const colors = new WeakMap<MediaReference, string>();

function colorOf(reference: MediaReference): string {
  const known = colors.get(reference);
  if (known !== undefined) {
    return known;
  }
  const color = placeholderColor(reference.placeholder) ?? "rgb(128 128 128 / 0.15)";
  colors.set(reference, color);
  return color;
}
