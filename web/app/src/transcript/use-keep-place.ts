import { type RefObject, useLayoutEffect, useRef } from "react";

interface Place {
  readonly id: string;
  readonly top: number;
}

/**
 * Leaves what the reader sees where it is when messages are put in front of it.
 *
 * Browsers do so themselves, but not at the very top, and not all of them; the viewport's
 * `overflow-anchor` is off, so that the two do not add up.
 */
export function useKeepPlace(
  viewportRef: RefObject<HTMLDivElement | null>,
  firstId: string | undefined,
): void {
  const place = useRef<Place | null>(null);
  // After every render: what is above the first message may have changed its height, too.
  useLayoutEffect(() => {
    const viewport = viewportRef.current;
    if (viewport === null || firstId === undefined) {
      return;
    }
    const before = place.current;
    const moved = before === null ? null : find(viewport, before.id);
    if (before !== null && moved !== null) {
      viewport.scrollTop += moved.offsetTop - before.top;
    }
    const first = find(viewport, firstId);
    place.current = first === null ? null : { id: firstId, top: first.offsetTop };
  });
}

/** The element of a message. */
export function find(viewport: HTMLElement, messageId: string): HTMLElement | null {
  return viewport.querySelector<HTMLElement>(`[data-message-id="${CSS.escape(messageId)}"]`);
}
