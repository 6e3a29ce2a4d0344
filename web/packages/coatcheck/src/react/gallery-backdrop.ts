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

/** What of the content is painted, in CSS pixels from its top. */
export interface Painted {
  readonly begin: number;
  readonly end: number;
}

/**
 * Paints what passes by a reader who races: each tile as one color. A tile costs a hundredth of what it
 * costs as an element, and no reader makes out more of it.
 *
 * @param painted - What has been painted since the race began; null at its beginning.
 * @returns what is painted now: more than is seen, for the frames that come, and for the browser, which
 * scrolls on by itself meanwhile.
 */
export function paintBackdrop(
  canvas: HTMLCanvasElement,
  scene: BackdropScene,
  painted: Painted | null,
): Painted {
  const { content, references, width, height, top } = scene;
  if (painted !== null && covers(painted, scene)) {
    return painted;
  }
  // Below its end the content must not grow.
  const reach = Math.min(height * 4, content.height);
  const begin = Math.min(Math.max(0, top - height * 1.5), content.height - reach);
  const context = canvas.getContext("2d");
  if (painted === null) {
    canvas.hidden = false;
    canvas.width = Math.ceil(width * RESOLUTION);
    canvas.height = Math.floor(reach * RESOLUTION);
    canvas.style.inlineSize = `${canvas.width / RESOLUTION}px`;
    canvas.style.blockSize = `${canvas.height / RESOLUTION}px`;
    const isRightToLeft = getComputedStyle(canvas).direction === "rtl";
    context?.setTransform(
      isRightToLeft ? -RESOLUTION : RESOLUTION,
      0,
      0,
      RESOLUTION,
      isRightToLeft ? canvas.width : 0,
      0,
    );
  }
  canvas.style.transform = `translateY(${begin}px)`;
  context?.clearRect(0, 0, canvas.width / RESOLUTION, reach);
  const { from, to } = tilesWithin(content, begin, begin + reach);
  for (let index = from; index < to; index += 1) {
    const [box, reference] = [content.tiles[index], references[index]];
    if (context && box !== undefined && reference !== undefined) {
      context.fillStyle = colorOf(reference);
      context.fillRect(box.start, box.top - begin, box.width, box.height);
    }
  }
  return { begin, end: begin + reach };
}

/** Whether what is seen, and a little around it, is painted. */
function covers({ begin, end }: Painted, { content, height, top }: BackdropScene): boolean {
  const margin = height / 4;
  return (
    (begin === 0 || top >= begin + margin) &&
    (end >= content.height || top + height <= end - margin)
  );
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
