import { type RefObject, useCallback, useLayoutEffect, useMemo, useRef, useState } from "react";
import {
  type GalleryLayout,
  gridLayout,
  justifiedLayout,
  tilesWithin,
} from "../core/gallery-layout.ts";
import type { MediaReference } from "../core/reference.ts";
import { type Painted, paintBackdrop } from "./gallery-backdrop.ts";

/** `justified` keeps each picture's shape, `grid` cuts all to squares. */
export type GalleryShape = "justified" | "grid";

interface WindowOptions {
  readonly shape: GalleryShape;
  readonly rowHeight: number;
  readonly gap: number;
}

/** What of a gallery is in the document. */
export interface GalleryWindow {
  readonly viewportRef: RefObject<HTMLElement | null>;
  readonly content: GalleryLayout;
  /** The tiles in view and a little beyond: [from, to). */
  readonly from: number;
  readonly to: number;
  /** For a canvas behind the tiles, which shows what passes by a reader who races. */
  readonly backdropRef: RefObject<HTMLCanvasElement | null>;
  /** Scrolls as little as it takes to bring a tile into view. */
  readonly reveal: (index: number) => void;
}

interface Viewport {
  readonly width: number;
  readonly height: number;
}

interface Shown {
  readonly from: number;
  readonly to: number;
  /** In which layout these are. */
  readonly content: GalleryLayout;
}

/**
 * By hand, with no library: what those mostly do is measure rows as they come into view. A reference
 * brings its measures along, so all rows are laid out at once, and the tiles in view follow from the
 * scroll position by a binary search. React renders only when rows come, and not at all while the reader
 * races past them.
 */
export function useGalleryWindow(
  references: readonly MediaReference[],
  { shape, rowHeight, gap }: WindowOptions,
): GalleryWindow {
  const viewportRef = useRef<HTMLElement>(null);
  const viewport = useViewport(viewportRef);
  const backdropRef = useRef<HTMLCanvasElement>(null);
  const [shown, setShown] = useState<Shown>(NOTHING);
  // What was last asked for: React would begin a render to find that nothing has changed.
  const shownRef = useRef<Shown>(NOTHING);

  const content = useMemo(() => {
    // A phone's rows are lower, or each would hold a single picture.
    const height = Math.min(rowHeight, viewport.width / 2.5);
    const options = { width: viewport.width, rowHeight: height, gap };
    if (viewport.width === 0) {
      return EMPTY;
    }
    return shape === "grid"
      ? gridLayout(references.length, options)
      : justifiedLayout(references.map(ratioOf), options);
  }, [references, shape, rowHeight, gap, viewport.width]);

  useKeepPlace(viewportRef, content, shown.from);
  useLayoutEffect(() => {
    const element = viewportRef.current;
    if (element === null) {
      return;
    }
    let lastTop = element.scrollTop;
    let lastTime = 0;
    let isRacing = false;
    let painted: Painted | null = null;
    let settling: ReturnType<typeof setTimeout> | undefined;
    const look = (top: number) => {
      const now = shownRef.current;
      const bottom = top + viewport.height;
      const least = tilesWithin(content, top - LEAST_OVERSCAN, bottom + LEAST_OVERSCAN);
      // Rows come two at a time: a render of all that is here costs as much as a row.
      if (now.content !== content || least.from < now.from || least.to > now.to) {
        const next = tilesWithin(content, top - OVERSCAN, bottom + OVERSCAN);
        shownRef.current = { ...next, content };
        setShown(shownRef.current);
      }
    };
    const race = (top: number) => {
      isRacing = true;
      if (backdropRef.current !== null) {
        const scene = { content, references, ...viewport, top };
        painted = paintBackdrop(backdropRef.current, scene, painted);
      }
    };
    const slowDown = (top: number) => {
      look(top);
      if (isRacing && backdropRef.current !== null) {
        backdropRef.current.hidden = true;
      }
      isRacing = false;
      painted = null;
    };
    // One timer for a whole movement: to start one anew with each event costs more than to look twice.
    const settle = () => {
      const rest = lastTime + SETTLE_MS - performance.now();
      settling = rest > 0 ? setTimeout(settle, rest) : undefined;
      if (rest <= 0) {
        slowDown(element.scrollTop);
      }
    };
    const onScroll = () => {
      const top = element.scrollTop;
      const time = performance.now();
      const moved = Math.abs(top - lastTop);
      const pace = Math.max(moved / FAR, moved / (time - lastTime) / FAST);
      [lastTop, lastTime] = [top, time];
      settling ??= setTimeout(settle, SETTLE_MS);
      if (pace > (isRacing ? 0.5 : 1)) {
        race(top);
      } else {
        slowDown(top);
      }
    };
    look(lastTop);
    element.addEventListener("scroll", onScroll, { passive: true });
    const backdrop = backdropRef.current;
    return () => {
      clearTimeout(settling);
      element.removeEventListener("scroll", onScroll);
      if (backdrop !== null) {
        backdrop.hidden = true;
      }
    };
  }, [content, references, viewport]);

  const reveal = useCallback(
    (index: number) => {
      const element = viewportRef.current;
      const tile = content.tiles[index];
      if (element === null || tile === undefined) {
        return;
      }
      const lowest = tile.top + tile.height - element.clientHeight + gap;
      element.scrollTop = Math.min(
        Math.max(element.scrollTop, lowest),
        Math.max(0, tile.top - gap),
      );
    },
    [content, gap],
  );
  return { viewportRef, backdropRef, content, from: shown.from, to: shown.to, reveal };
}

/** CSS pixels above and below the viewport that are rendered, and those that are when others are. */
const LEAST_OVERSCAN = 120;
const OVERSCAN = 440;
/**
 * CSS pixels a millisecond from which on no reader makes out a picture: a screen in little more than half a
 * second.
 */
const FAST = 1.5;
/** CSS pixels between two scroll events: a page that falls behind has fewer of them, and does less in each. */
const FAR = 40;
/** Milliseconds without a scroll event after which the reader looks. */
const SETTLE_MS = 90;
const EMPTY: GalleryLayout = { rows: [], tiles: [], height: 0 };
const NOTHING: Shown = { from: 0, to: 0, content: EMPTY };

function ratioOf({ width, height }: MediaReference): number {
  return width === undefined || height === undefined ? 1 : width / height;
}

function useViewport(ref: RefObject<HTMLElement | null>): Viewport {
  const [viewport, setViewport] = useState<Viewport>({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = ref.current;
    if (element === null) {
      return;
    }
    const measure = () => {
      const style = getComputedStyle(element);
      const padding = Number.parseFloat(style.paddingLeft) + Number.parseFloat(style.paddingRight);
      const width = element.clientWidth - padding;
      const height = element.clientHeight;
      setViewport((was) =>
        was.width === width && was.height === height ? was : { width, height },
      );
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref]);
  return viewport;
}

/** When the width changes, the first picture in view stays in view. */
function useKeepPlace(
  ref: RefObject<HTMLElement | null>,
  content: GalleryLayout,
  first: number,
): void {
  const previous = useRef(content);
  useLayoutEffect(() => {
    const was = previous.current.tiles[first];
    const is = content.tiles[first];
    if (
      previous.current !== content &&
      was !== undefined &&
      is !== undefined &&
      ref.current !== null
    ) {
      ref.current.scrollTop += is.top - was.top;
    }
    previous.current = content;
  }, [ref, content, first]);
}
