import {
  type KeyboardEvent,
  type RefObject,
  useCallback,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { type GalleryLayout, tileBeside } from "../core/gallery-layout.ts";

/** Which tile the Tab key leads to, and how the other keys move it. */
export interface RovingTile {
  readonly active: number;
  readonly activate: (index: number) => void;
  /** Makes a tile the active one and gives it the focus, once it is in the document. */
  readonly focus: (index: number) => void;
  readonly onKeyDown: (event: KeyboardEvent<HTMLElement>) => void;
}

/** A roving tabindex over tiles of which only some are in the document. */
export function useRovingTile(
  viewportRef: RefObject<HTMLElement | null>,
  content: GalleryLayout,
  reveal: (index: number) => void,
): RovingTile {
  const [chosen, activate] = useState(0);
  const [wanted, setWanted] = useState<{ readonly index: number } | null>(null);
  const count = content.tiles.length;
  // The list may have become shorter.
  const active = Math.min(chosen, Math.max(0, count - 1));

  const focus = useCallback(
    (index: number) => {
      activate(index);
      reveal(index);
      setWanted({ index });
    },
    [reveal],
  );
  const done = useRef<object | null>(null);
  useLayoutEffect(() => {
    if (wanted !== null && done.current !== wanted) {
      done.current = wanted;
      viewportRef.current
        ?.querySelector<HTMLElement>(`[data-coat-tile="${wanted.index}"]`)
        ?.focus({ preventScroll: true });
    }
  }, [viewportRef, wanted]);

  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    if (event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const isRtl = getComputedStyle(event.currentTarget).direction === "rtl";
    const target = moved(event.key, { active, last: count - 1, content, isRtl });
    if (target !== null) {
      event.preventDefault();
      focus(target);
    }
  };
  return { active, activate, focus, onKeyDown };
}

interface Position {
  readonly active: number;
  readonly last: number;
  readonly content: GalleryLayout;
  readonly isRtl: boolean;
}

/** Where a key leads from a tile; null for a key that leads nowhere. */
function moved(key: string, { active, last, content, isRtl }: Position): number | null {
  switch (key) {
    case "ArrowLeft":
    case "ArrowRight": {
      const isForward = (key === "ArrowRight") !== isRtl;
      return Math.min(last, Math.max(0, active + (isForward ? 1 : -1)));
    }
    case "ArrowUp":
      return tileBeside(content, active, -1);
    case "ArrowDown":
      return tileBeside(content, active, 1);
    case "PageUp":
      return tileBeside(content, active, -PAGE_ROWS);
    case "PageDown":
      return tileBeside(content, active, PAGE_ROWS);
    case "Home":
      return 0;
    case "End":
      return last;
    default:
      return null;
  }
}

const PAGE_ROWS = 3;
