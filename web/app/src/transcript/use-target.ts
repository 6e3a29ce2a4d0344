import { type RefObject, useEffect, useState } from "react";
import type { EarlierMessages } from "../chat/earlier-messages.ts";

/** How long a message that was looked for stands out. */
const MARKED_MS = 2500;

interface Target {
  /** The message to show, where one was looked for. */
  readonly id: string | null;
  /** Whether it is among the messages that the page has. */
  readonly isLoaded: boolean;
  readonly earlier: EarlierMessages;
}

/** Shows the message that a search led to, loading what was said before until it is there. */
export function useTarget(
  viewportRef: RefObject<HTMLDivElement | null>,
  { id, isLoaded, earlier }: Target,
  /** Puts a message into the document, where nothing moves the page from it. */
  reveal: (id: string) => void,
): boolean {
  const [isLooking, setLooking] = useState(false);
  useEffect(() => {
    if (id === null) {
      return;
    }
    let isCurrent = true;
    setLooking(true);
    earlier.loadUntil(id).then(() => isCurrent && setLooking(false));
    return () => {
      isCurrent = false;
    };
  }, [earlier, id]);

  useEffect(() => {
    if (id === null || !isLoaded) {
      return;
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    const frame = requestAnimationFrame(() => {
      reveal(id);
      const message = viewportRef.current?.querySelector(`[data-message-id="${CSS.escape(id)}"]`);
      message?.scrollIntoView({ block: "center" });
      message?.setAttribute("data-found", "");
      timer = setTimeout(() => message?.removeAttribute("data-found"), MARKED_MS);
    });
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
  }, [viewportRef, id, isLoaded, reveal]);
  return isLooking;
}
