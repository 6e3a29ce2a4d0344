import { type RefObject, useCallback, useLayoutEffect, useRef } from "react";
import type { Segment } from "./message-window.ts";
import { observeAnew } from "./observe-anew.ts";

interface Place {
  readonly message: HTMLElement;
  readonly top: number;
  readonly scrollTop: number;
}

/**
 * Leaves what the reader sees where it is, whatever changes its height above that: messages that are
 * put in front, or taken out of the document and back in, and pictures that come to be known.
 *
 * Browsers do so themselves, but not at the very top, and not all of them; the viewport's
 * `overflow-anchor` is off, so that the two do not add up.
 *
 * @param segments - What is in the document, the same array until that changes.
 * @returns what lets go of the place, before something else is to be shown.
 */
export function useKeepPlace(
  viewportRef: RefObject<HTMLElement | null>,
  contentRef: RefObject<HTMLElement | null>,
  segments: readonly Segment[],
): () => void {
  const place = useRef<Place | null>(null);
  const observerRef = useRef<ResizeObserver | null>(null);
  // Between a commit and its layout, where things lie is not where the reader saw them.
  const isMovingRef = useRef(false);

  useLayoutEffect(() => {
    const viewport = viewportRef.current;
    const content = contentRef.current;
    if (viewport === null || content === null) {
      return;
    }
    const keep = () => {
      isMovingRef.current = false;
      const before = place.current;
      if (before?.message.isConnected === true) {
        const moved = topOf(before.message, viewport) - before.top + clamped(viewport, before);
        // Else a scrolling that is under way would be ended for nothing.
        if (Math.abs(moved) >= LEAST_MOVE) {
          viewport.scrollTop += moved;
        }
      }
      place.current = placeOf(viewport);
    };
    const note = () => {
      if (!isMovingRef.current) {
        place.current = placeOf(viewport);
      }
    };
    // Called after the layout that there has to be, and before the paint: nothing is laid out for it.
    const observer = new ResizeObserver(keep);
    observer.observe(content);
    observerRef.current = observer;
    viewport.addEventListener("scroll", note, { passive: true });
    return () => {
      observer.disconnect();
      viewport.removeEventListener("scroll", note);
    };
  }, [viewportRef, contentRef]);

  // A commit that takes messages in or out may leave the content as high as it was.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the segments are the reason to look
  useLayoutEffect(() => {
    isMovingRef.current = observeAnew(observerRef.current, contentRef.current);
  }, [contentRef, segments]);

  return useCallback(() => {
    place.current = null;
  }, []);
}

/** CSS pixels; less than this is invisible. */
const LEAST_MOVE = 0.5;

/** The first message of which some is in view. */
function placeOf(viewport: HTMLElement): Place | null {
  const { top, bottom } = viewport.getBoundingClientRect();
  for (const message of viewport.querySelectorAll<HTMLElement>("[data-message-id]")) {
    const box = message.getBoundingClientRect();
    if (box.bottom > top) {
      return box.top < bottom
        ? { message, top: topOf(message, viewport), scrollTop: viewport.scrollTop }
        : null;
    }
  }
  return null;
}

/** How far the browser itself has scrolled back already, for the content ends where it does now. */
function clamped(viewport: HTMLElement, before: Place): number {
  const { scrollTop, scrollHeight, clientHeight } = viewport;
  const isAtEnd = scrollTop + clientHeight >= scrollHeight - 1;
  return isAtEnd ? Math.max(0, before.scrollTop - scrollTop) : 0;
}

/** Where a message begins, wherever the reader has scrolled to. */
function topOf(message: HTMLElement, viewport: HTMLElement): number {
  const { top } = viewport.getBoundingClientRect();
  return message.getBoundingClientRect().top - top + viewport.scrollTop;
}
