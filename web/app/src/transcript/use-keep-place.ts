import { type RefObject, useEffect, useLayoutEffect, useRef } from "react";
import type { Segment } from "./message-window.ts";

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
 */
export function useKeepPlace(
  viewportRef: RefObject<HTMLElement | null>,
  contentRef: RefObject<HTMLElement | null>,
  segments: readonly Segment[],
): void {
  const place = useRef<Place | null>(null);
  const keepRef = useRef(() => {
    const viewport = viewportRef.current;
    const before = place.current;
    if (viewport === null) {
      return;
    }
    if (before?.message.isConnected === true) {
      const moved = topOf(before.message, viewport) - before.top + clamped(viewport, before);
      // Else a scrolling that is under way would be ended for nothing.
      if (Math.abs(moved) >= LEAST_MOVE) {
        viewport.scrollTop += moved;
      }
    }
    place.current = placeOf(viewport);
  });

  // A commit that takes messages in or out may leave the content as high as it was. Any other changes
  // its height, or nothing: the observer is told after the layout that there has to be, and before the
  // paint, so that a text which grows has no layout of its own forced.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the segments are the reason to look
  useLayoutEffect(() => keepRef.current(), [segments]);
  useEffect(() => {
    const viewport = viewportRef.current;
    const content = contentRef.current;
    if (viewport === null || content === null) {
      return;
    }
    const note = () => {
      place.current = placeOf(viewport);
    };
    const observer = new ResizeObserver(() => keepRef.current());
    observer.observe(content);
    viewport.addEventListener("scroll", note, { passive: true });
    return () => {
      observer.disconnect();
      viewport.removeEventListener("scroll", note);
    };
  }, [viewportRef, contentRef]);
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
