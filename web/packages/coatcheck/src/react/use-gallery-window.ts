import { type RefObject, useCallback, useLayoutEffect, useMemo, useRef, useState } from "react";
import {
  type GalleryLayout,
  gridLayout,
  justifiedLayout,
  tilesWithin,
} from "../core/gallery-layout.ts";
import type { MediaReference } from "../core/reference.ts";

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
  /** The reader races past; pictures can wait. */
  readonly isFast: boolean;
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
  readonly isFast: boolean;
}

const NOTHING: Shown = { from: 0, to: 0, isFast: false };

/**
 * By hand, with no library: what those mostly do is measure rows as they come into view. A reference
 * brings its measures along, so all rows are laid out at once, and the tiles in view follow from the
 * scroll position by a binary search. React renders only when a row comes or goes.
 */
export function useGalleryWindow(
  references: readonly MediaReference[],
  { shape, rowHeight, gap }: WindowOptions,
): GalleryWindow {
  const viewportRef = useRef<HTMLElement>(null);
  const viewport = useViewport(viewportRef);
  const [shown, setShown] = useState<Shown>(NOTHING);

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
    let last = element.scrollTop;
    let settling: ReturnType<typeof setTimeout> | undefined;
    const look = (isFast: boolean) => {
      const top = element.scrollTop;
      const next = tilesWithin(content, top - OVERSCAN, top + viewport.height + OVERSCAN);
      setShown((now) =>
        now.from === next.from && now.to === next.to && now.isFast === isFast
          ? now
          : { ...next, isFast },
      );
    };
    const settle = () => {
      element.removeAttribute("data-scrolling");
      look(false);
    };
    const onScroll = () => {
      const moved = Math.abs(element.scrollTop - last);
      last = element.scrollTop;
      clearTimeout(settling);
      settling = setTimeout(settle, SETTLE_MS);
      element.dataset["scrolling"] = "true";
      look(moved > FAST);
    };
    look(false);
    element.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      clearTimeout(settling);
      element.removeEventListener("scroll", onScroll);
    };
  }, [content, viewport.height]);

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
  return { viewportRef, content, ...shown, reveal };
}

/** CSS pixels above and below the viewport that are rendered ahead. */
const OVERSCAN = 240;
/**
 * CSS pixels between two scroll events, which come once a frame, from which on nobody makes out a
 * picture. A page that falls behind scrolls further in each frame, and so does less in it.
 */
const FAST = 64;
/** Milliseconds without a scroll event after which the reader looks. */
const SETTLE_MS = 90;
const EMPTY: GalleryLayout = { rows: [], tiles: [], height: 0 };

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
      setViewport({ width: element.clientWidth - padding, height: element.clientHeight });
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
