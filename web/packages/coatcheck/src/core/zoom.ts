/**
 * How a picture lies in a viewer. Lengths are CSS pixels, positions are measured from the middle of
 * the stage, and a picture that fits it has scale 1.
 */

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A picture's place: its middle is at (x, y), its edges are `scale` times as long as when it fits. */
export interface View extends Point {
  readonly scale: number;
}

/** The whole picture in the middle of the stage. */
export const FIT: View = { scale: 1, x: 0, y: 0 };

/** How far the buttons and keys go at a time. */
export const ZOOM_STEP = 1.5;

/** Up to eight times the fitting size, or four screen pixels for one of the picture if that is more. */
export function largestScale(fitted: Size, natural: Size | null): number {
  const pixels = natural === null || fitted.width === 0 ? 0 : (natural.width / fitted.width) * 4;
  return Math.max(8, pixels);
}

/** Zooms by a factor; what is at `point` stays there. */
export function zoomAt(view: View, factor: number, point: Point, largest: number): View {
  const scale = clamp(view.scale * factor, 1, largest);
  const grown = scale / view.scale;
  return {
    scale,
    x: point.x - (point.x - view.x) * grown,
    y: point.y - (point.y - view.y) * grown,
  };
}

/**
 * Keeps the stage filled: an edge of the picture never comes further in than the stage's edge, and a
 * side that is shorter than the stage stays in its middle.
 */
export function confine(view: View, fitted: Size, stage: Size): View {
  const roomX = Math.max(0, (fitted.width * view.scale - stage.width) / 2);
  const roomY = Math.max(0, (fitted.height * view.scale - stage.height) / 2);
  return { scale: view.scale, x: clamp(view.x, -roomX, roomX), y: clamp(view.y, -roomY, roomY) };
}

/** Moves by a distance. */
export function pan(view: View, by: Point): View {
  return { scale: view.scale, x: view.x + by.x, y: view.y + by.y };
}

/** What two fingers did between two moments: how much further apart they are, and where they went. */
export function pinch(
  before: readonly [Point, Point],
  after: readonly [Point, Point],
): { readonly factor: number; readonly at: Point; readonly by: Point } {
  const was = middle(...before);
  const at = middle(...after);
  const distance = Math.max(1, distanceBetween(...before));
  return {
    factor: distanceBetween(...after) / distance,
    at,
    by: { x: at.x - was.x, y: at.y - was.y },
  };
}

/**
 * The factor for one event of a wheel. A notch of a mouse zooms by about a fifth; a trackpad's pinch
 * comes as a wheel with Ctrl held, in steps a tenth as large.
 */
export function wheelFactor(event: {
  readonly deltaY: number;
  readonly deltaMode: number;
  readonly ctrlKey: boolean;
}): number {
  const pixels = event.deltaY * (LINE_HEIGHTS[event.deltaMode] ?? 1);
  return Math.exp(clamp(-pixels * (event.ctrlKey ? 0.01 : 0.002), -0.5, 0.5));
}

/** What a finger that was lifted from a fitting picture meant. */
export function swipeOf(by: Point, milliseconds: number): "left" | "right" | "close" | null {
  const isFlick = milliseconds < 250;
  const threshold = isFlick ? 32 : 96;
  if (Math.abs(by.x) > Math.abs(by.y)) {
    if (Math.abs(by.x) < threshold) {
      return null;
    }
    return by.x < 0 ? "left" : "right";
  }
  return by.y > threshold ? "close" : null;
}

export function distanceBetween(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

function middle(a: Point, b: Point): Point {
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

/** Pixels of one unit, by `WheelEvent.deltaMode`: pixels, lines, pages. */
const LINE_HEIGHTS = [1, 16, 400] as const;
