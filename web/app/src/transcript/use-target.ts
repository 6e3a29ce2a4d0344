import { type RefObject, useEffect, useState } from "react";
import type { EarlierMessages } from "../chat/earlier-messages.ts";
import { find } from "./use-keep-place.ts";

/** How long a message that was looked for stands out. */
const MARKED_MS = 2500;

/** Shows the message that a search led to, loading what was said before until it is there. */
export function useTarget(
  viewportRef: RefObject<HTMLDivElement | null>,
  earlier: EarlierMessages,
  target: string | null,
  /** Called before the page moves, so that nothing else moves it back. */
  onMove: () => void,
): boolean {
  const [isLooking, setLooking] = useState(false);
  useEffect(() => {
    if (target === null) {
      return;
    }
    let isCurrent = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    setLooking(true);
    earlier.loadUntil(target).then(() => {
      if (!isCurrent) {
        return;
      }
      setLooking(false);
      // With the next frame the messages are in the page.
      requestAnimationFrame(() => {
        const viewport = viewportRef.current;
        const message = viewport === null ? null : find(viewport, target);
        if (message === null) {
          return;
        }
        onMove();
        message.scrollIntoView({ block: "center" });
        message.setAttribute("data-found", "");
        timer = setTimeout(() => message.removeAttribute("data-found"), MARKED_MS);
      });
    });
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [viewportRef, earlier, target, onMove]);
  return isLooking;
}
