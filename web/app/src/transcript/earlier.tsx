import { type RefObject, useCallback, useEffect, useRef } from "react";
import { type EarlierMessages, useEarlierStatus } from "../chat/earlier-messages.ts";

interface EarlierProps {
  readonly earlier: EarlierMessages;
  readonly viewportRef: RefObject<HTMLDivElement | null>;
}

/** How far above the view earlier messages are fetched, so that the reader hardly meets the end. */
const AHEAD = "800px 0px 0px 0px";

/** The top of what is loaded: comes near, and more of the conversation is fetched. */
export function Earlier({ earlier, viewportRef }: EarlierProps) {
  const status = useEarlierStatus(earlier);
  const ref = useRef<HTMLDivElement>(null);
  const load = useCallback(() => void earlier.load(), [earlier]);

  useEffect(() => {
    const element = ref.current;
    if (element === null || status !== "more") {
      return;
    }
    // Made anew after each page: it tells at once whether that was enough to fill the view.
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting === true) {
          load();
        }
      },
      { root: viewportRef.current, rootMargin: AHEAD },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [status, load, viewportRef]);

  if (status === "none") {
    return null;
  }
  return (
    <div ref={ref} className="earlier" data-testid="earlier" data-status={status}>
      {status === "failed" ? (
        <>
          <p role="alert">What was said before could not be read.</p>
          <button type="button" className="button" onClick={load}>
            Try again
          </button>
        </>
      ) : (
        <p role="status">{status === "loading" ? "Reading what was said before…" : ""}</p>
      )}
    </div>
  );
}
