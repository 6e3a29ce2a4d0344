import { type RefObject, useCallback, useLayoutEffect, useRef, useState } from "react";
import { observeAnew } from "./observe-anew.ts";

interface StickToBottom {
  readonly viewportRef: RefObject<HTMLDivElement | null>;
  readonly contentRef: RefObject<HTMLDivElement | null>;
  /** Whether the newest line is in view. */
  readonly atBottom: boolean;
  readonly scrollToBottom: () => void;
  /** As {@link scrollToBottom}, once what was committed has been laid out. */
  readonly follow: () => void;
  /** Stops following: something else than the end is to be shown. */
  readonly letGo: () => void;
}

/** Pixels from the end within which the reader is taken to follow along. */
const FOLLOWING_DISTANCE = 64;

/**
 * Keeps the end of a growing text in view for as long as the reader is there, and leaves a reader who
 * has scrolled up alone.
 */
export function useStickToBottom(): StickToBottom {
  const viewportRef = useRef<HTMLDivElement>(null);
  const contentRef = useRef<HTMLDivElement>(null);
  const followsRef = useRef(true);
  const [atBottom, setAtBottom] = useState(true);

  const scrollToBottom = useCallback(() => {
    const viewport = viewportRef.current;
    if (viewport !== null) {
      followsRef.current = true;
      viewport.scrollTop = viewport.scrollHeight;
    }
  }, []);

  const observerRef = useRef<ResizeObserver | null>(null);
  const follow = useCallback(() => {
    followsRef.current = true;
    observeAnew(observerRef.current, contentRef.current);
  }, []);

  const letGo = useCallback(() => {
    followsRef.current = false;
    setAtBottom(false);
  }, []);

  useLayoutEffect(() => {
    const viewport = viewportRef.current;
    const content = contentRef.current;
    if (viewport === null || content === null) {
      return;
    }
    let lastTop = 0;
    // A scroll event tells of our own scrolling too, and late: the text may have grown since. So a
    // distance alone means nothing; only moving up is the reader's doing.
    const onScroll = () => {
      const { scrollTop, scrollHeight, clientHeight } = viewport;
      if (scrollHeight - scrollTop - clientHeight <= FOLLOWING_DISTANCE) {
        followsRef.current = true;
      } else if (scrollTop < lastTop) {
        followsRef.current = false;
      }
      lastTop = scrollTop;
      setAtBottom(followsRef.current);
    };
    const onGrowth = () => {
      if (followsRef.current) {
        viewport.scrollTop = viewport.scrollHeight;
      }
    };
    const observer = new ResizeObserver(onGrowth);
    observerRef.current = observer;
    observer.observe(content);
    observer.observe(viewport);
    viewport.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      observer.disconnect();
      viewport.removeEventListener("scroll", onScroll);
    };
  }, []);

  return { viewportRef, contentRef, atBottom, scrollToBottom, follow, letGo };
}
