import { useCallback, useEffect, useRef, useState } from "react";
import { messageOf } from "../conversations/http.ts";
import { fetchMedia, type ListedMedia, type MediaPage } from "./api.ts";

interface PagesState extends MediaPage {
  readonly status: "loading" | "ready" | "failed";
  /** Why it failed. */
  readonly detail: string;
  readonly more: "idle" | "loading" | "failed";
}

/** All media of the reader, loaded page by page. */
export interface MediaPages {
  readonly status: PagesState["status"];
  readonly detail: string;
  readonly media: readonly ListedMedia[];
  /** Whether there are more, and how loading them goes; null when this is all. */
  readonly more: PagesState["more"] | null;
  /** Loads the next page, unless one is on its way. */
  readonly loadMore: () => void;
  /** Reads again what is loaded. */
  readonly refresh: () => void;
}

const EMPTY: PagesState = {
  status: "loading",
  detail: "",
  media: [],
  before: null,
  more: "idle",
};

/** Without `enabled` nothing is asked for and nothing is kept. */
export function useMediaPages(enabled: boolean): MediaPages {
  const [state, setState] = useState(EMPTY);
  const [generation, setGeneration] = useState(0);
  const loaded = useRef(0);
  useEffect(() => {
    loaded.current = state.media.length;
  }, [state.media]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the generation is what asks for a new read
  useEffect(() => {
    if (!enabled) {
      setState(EMPTY);
      return;
    }
    const aborter = new AbortController();
    fetchAtLeast(loaded.current, aborter.signal).then(
      (page) => setState({ ...EMPTY, ...page, status: "ready" }),
      (error: unknown) => {
        if (!aborter.signal.aborted) {
          // What was read before is better than nothing.
          setState((known) =>
            known.status === "ready"
              ? known
              : { ...EMPTY, status: "failed", detail: messageOf(error) },
          );
        }
      },
    );
    return () => aborter.abort();
  }, [enabled, generation]);

  const { before, more } = state;
  const loadMore = useCallback(() => {
    if (before === null || more === "loading") {
      return;
    }
    setState((known) => ({ ...known, more: "loading" }));
    fetchMedia(before, NEVER).then(
      (page) =>
        setState((known) =>
          // A list that was read anew meanwhile goes on from its own end.
          known.before === before
            ? { ...known, ...page, media: [...known.media, ...page.media], more: "idle" }
            : known,
        ),
      () => setState((known) => (known.before === before ? { ...known, more: "failed" } : known)),
    );
  }, [before, more]);

  const refresh = useCallback(() => {
    setState((known) => (known.status === "failed" ? EMPTY : known));
    setGeneration((current) => current + 1);
  }, []);
  const { status, detail, media } = state;
  return { status, detail, media, more: before === null ? null : more, loadMore, refresh };
}

const { signal: NEVER } = new AbortController();

/** One page, or so many that `count` media are in them. */
async function fetchAtLeast(count: number, signal: AbortSignal): Promise<MediaPage> {
  let page = await fetchMedia(null, signal);
  const media = [...page.media];
  while (page.before !== null && media.length < count) {
    // biome-ignore lint/performance/noAwaitInLoops: each page says where the next one begins
    page = await fetchMedia(page.before, signal);
    media.push(...page.media);
  }
  return { media, before: page.before };
}
