import { use, useCallback, useEffect, useMemo, useReducer, useRef } from "react";
import { decodePlaceholder, type Placeholder } from "../core/placeholder/placeholder.ts";
import type { MediaReference } from "../core/reference.ts";
import { type RefreshReference, renewReference } from "../core/refresh.ts";
import { type ImageSource, imageSource } from "../core/source.ts";
import { MediaRefreshContext } from "./refresh-context.ts";

/**
 * What the reader sees of a picture: its blur, its small preview, all of it, or that it is missing.
 */
export type ImagePhase = "placeholder" | "thumbnail" | "full" | "failed";

/** Options of {@link useMedia}. */
export interface UseMediaOptions {
  /** Asks for fresh addresses when these have expired; by default what {@link MediaRefreshContext} says. */
  readonly refresh?: RefreshReference | null | undefined;
  /** Leave out what can come a render later: the placeholder, which has to be decoded. */
  readonly isBoxOnly?: boolean;
}

/** A picture's life on the page, for a component that draws it in its own way. */
export interface Media {
  /** What was given, with fresh addresses where the old ones had expired. */
  readonly reference: MediaReference;
  readonly phase: ImagePhase;
  /** For an `<img>`; null for a stored form, which has no address. */
  readonly source: ImageSource | null;
  /** Null for a reference without one. */
  readonly placeholder: Placeholder | null;
  /** Counts the tries. As a React key it makes a fresh element, which is what makes a browser fetch again. */
  readonly attempt: number;
  /** For the thumbnail's `onLoad`. */
  readonly onThumbnailLoad: (event: ImageEvent) => void;
  /** For the display picture's `onLoad`. */
  readonly onFullLoad: (event: ImageEvent) => void;
  /** For the display picture's `onError`. */
  readonly onFullError: () => void;
  /** Tries once more. */
  readonly retry: () => void;
}

/** The part of an event that is used; an image that was complete before its handlers has no event. */
export interface ImageEvent {
  readonly currentTarget: HTMLImageElement;
}

interface State {
  readonly phase: ImagePhase;
  readonly attempt: number;
  readonly renewed: MediaReference | null;
}

type Action =
  | { readonly type: "thumbnail-decoded" | "full-decoded" | "full-failed" | "retried" }
  | { readonly type: "renewed"; readonly reference: MediaReference };

/**
 * Moves a picture from placeholder to thumbnail to full; a late thumbnail never moves it back.
 *
 * A picture that fails because its addresses have expired gets fresh ones, once. One that failed is
 * tried again when the browser is back online.
 *
 * Give the component that calls this a `key` of the reference's id and URL: another picture starts anew.
 *
 * @param given - The picture.
 * @param options - How its addresses are renewed.
 */
export function useMedia(
  given: MediaReference,
  { refresh, isBoxOnly = false }: UseMediaOptions = {},
): Media {
  const inherited = use(MediaRefreshContext);
  const renew = refresh === undefined ? inherited : refresh;
  const [state, dispatch] = useReducer(nextState, FIRST);
  const mayRenew = useRef(true);
  const reference = state.renewed ?? given;
  const source = useMemo(() => imageSource(reference), [reference]);
  const hash = isBoxOnly ? undefined : given.placeholder;
  const placeholder = useMemo(() => decodePlaceholder(hash), [hash]);
  const phase = source === null ? "failed" : state.phase;

  const onThumbnailLoad = useCallback(({ currentTarget }: ImageEvent) => {
    whenDecoded(currentTarget, () => dispatch({ type: "thumbnail-decoded" }));
  }, []);
  const onFullLoad = useCallback(({ currentTarget }: ImageEvent) => {
    whenDecoded(currentTarget, () => dispatch({ type: "full-decoded" }));
  }, []);
  const onFullError = useCallback(() => {
    if (renew === null || !mayRenew.current) {
      dispatch({ type: "full-failed" });
      return;
    }
    mayRenew.current = false;
    renewReference(reference, renew).then((fresh) =>
      dispatch(fresh === null ? { type: "full-failed" } : { type: "renewed", reference: fresh }),
    );
  }, [reference, renew]);
  const retry = useCallback(() => {
    mayRenew.current = true;
    dispatch({ type: "retried" });
  }, []);

  const canRetry = phase === "failed" && source !== null;
  useEffect(() => {
    if (!canRetry) {
      return;
    }
    globalThis.addEventListener("online", retry);
    return () => globalThis.removeEventListener("online", retry);
  }, [canRetry, retry]);

  const { attempt } = state;
  const handlers = { onThumbnailLoad, onFullLoad, onFullError, retry };
  return { reference, phase, source, placeholder, attempt, ...handlers };
}

const FIRST: State = { phase: "placeholder", attempt: 0, renewed: null };

function nextState(state: State, action: Action): State {
  switch (action.type) {
    case "thumbnail-decoded":
      return state.phase === "placeholder" ? { ...state, phase: "thumbnail" } : state;
    case "full-decoded":
      return { ...state, phase: "full" };
    case "full-failed":
      return { ...state, phase: "failed" };
    case "retried":
      return { ...state, phase: "placeholder", attempt: state.attempt + 1 };
    case "renewed":
      return { phase: "placeholder", attempt: state.attempt + 1, renewed: action.reference };
  }
}

/**
 * Calls back once the pixels are ready to paint, so that showing the image costs the main thread
 * nothing. `decode()` rejects when the element was removed or its source changed meanwhile; an image
 * that has loaded is shown all the same, and the browser decodes it as it paints.
 */
export function whenDecoded(image: HTMLImageElement, callback: () => void): void {
  image.decode().then(callback, () => {
    if (image.isConnected) {
      callback();
    }
  });
}
