import {
  type RefObject,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { flushSync } from "react-dom";
import { Heights, REACH, type Segment, SLACK, segmentsAround } from "./message-window.ts";
import { observeAnew } from "./observe-anew.ts";

interface MessageWindow {
  /** The element that has the messages and the gaps for children, and nothing else. */
  readonly listRef: RefObject<HTMLDivElement | null>;
  readonly segments: readonly Segment[];
  /** How high a gap is, in CSS pixels. */
  readonly heightOf: (gap: Extract<Segment, { readonly kind: "gap" }>) => number;
  /** Puts a message and those around it into the document, at once. */
  readonly reveal: (id: string) => void;
}

interface Place {
  /** Around which message the window lies; null for the last one, whichever that is. */
  readonly centre: string | null;
  /** Messages outside of it that someone is busy with. */
  readonly kept: readonly string[];
}

/**
 * Keeps the messages around those in view in the document, and the room of the others.
 *
 * Besides these the last message stays, which may be growing, and what must not be taken from under
 * the reader: the message with the focus, and one that is being edited.
 */
export function useMessageWindow(
  viewportRef: RefObject<HTMLElement | null>,
  ids: readonly string[],
): MessageWindow {
  const listRef = useRef<HTMLDivElement>(null);
  const [heights] = useState(() => new Heights());
  const [place, setPlace] = useState<Place>(AT_END);

  const count = ids.length;
  const found = place.centre === null ? -1 : ids.indexOf(place.centre);
  const centre = found < 0 ? count - 1 : found;
  const segments = useMemo(() => {
    const kept = place.kept.map((id) => ids.indexOf(id));
    return segmentsAround(count, centre, [...kept, count - 1]);
  }, [ids, count, centre, place.kept]);

  // Before anything that is here now leaves the document.
  const measure = useCallback(() => {
    for (const message of messagesIn(listRef.current)) {
      const margin = Number.parseFloat(getComputedStyle(message).marginBlockStart);
      heights.set(idOf(message), message.getBoundingClientRect().height + margin);
    }
  }, [heights]);
  // What comes or grows is measured once it has been laid out anyway.
  const observerRef = useRef<ResizeObserver | null>(null);
  useLayoutEffect(() => {
    observerRef.current = new ResizeObserver(measure);
    return () => observerRef.current?.disconnect();
  }, [measure]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the segments are the reason to measure
  useLayoutEffect(() => {
    observeAnew(observerRef.current, listRef.current);
  }, [measure, segments]);

  const latest = useRef({ ids, centre });
  useLayoutEffect(() => {
    latest.current = { ids, centre };
  });
  useEffect(() => {
    const viewport = viewportRef.current;
    const onScroll = () => {
      const list = listRef.current;
      if (viewport === null || list === null) {
        return;
      }
      measure();
      const above = viewport.getBoundingClientRect().top - list.getBoundingClientRect().top;
      const first = heights.indexAt(latest.current.ids, above);
      const distance = Math.abs(first - latest.current.centre);
      const move = () => setPlace(placeAt(latest.current.ids[first], list));
      if (distance > REACH - SLACK) {
        // A leap, as with the scrollbar: the next frame would show the gap.
        flushSync(move);
      } else if (distance > SLACK) {
        move();
      }
    };
    viewport?.addEventListener("scroll", onScroll, { passive: true });
    return () => viewport?.removeEventListener("scroll", onScroll);
  }, [viewportRef, heights, measure]);

  const heightOf = useCallback(
    ({ from, to }: { readonly from: number; readonly to: number }) =>
      heights.sum(ids.slice(from, to)),
    [heights, ids],
  );
  const reveal = useCallback(
    (id: string) => {
      measure();
      flushSync(() => setPlace(placeAt(id, listRef.current)));
    },
    [measure],
  );
  return { listRef, segments, heightOf, reveal };
}

const AT_END: Place = { centre: null, kept: [] };

function placeAt(id: string | undefined, list: HTMLElement | null): Place {
  const busy = messagesIn(list).filter((message) => message.matches(IN_USE));
  return { centre: id ?? null, kept: busy.map(idOf) };
}

const IN_USE = ":focus-within, [data-in-use=true]";

function messagesIn(list: HTMLElement | null): readonly HTMLElement[] {
  return [...(list?.querySelectorAll<HTMLElement>(":scope > [data-message-id]") ?? [])];
}

function idOf(message: HTMLElement): string {
  return message.dataset["messageId"] ?? "";
}
