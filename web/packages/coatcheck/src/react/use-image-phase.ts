import { useCallback, useReducer } from "react";

/**
 * What the reader sees of a picture: its blur, its small preview, all of it, or that it is missing.
 */
export type ImagePhase = "placeholder" | "thumbnail" | "full" | "failed";

interface PhaseState {
  readonly phase: ImagePhase;
  /** Counts the tries, and serves as a React key: a fresh element is what makes a browser fetch again. */
  readonly attempt: number;
}

type PhaseEvent = "thumbnail-decoded" | "full-decoded" | "full-failed" | "retry";

/** The life of a picture on the page, with the handlers that move it on. */
export interface ImagePhaseControl extends PhaseState {
  /** For the thumbnail's `onLoad`. */
  readonly onThumbnailLoad: (event: { readonly currentTarget: HTMLImageElement }) => void;
  /** For the display picture's `onLoad`. */
  readonly onFullLoad: (event: { readonly currentTarget: HTMLImageElement }) => void;
  /** For the display picture's `onError`. */
  readonly onFullError: () => void;
  readonly retry: () => void;
}

/** Moves a picture from placeholder to thumbnail to full; a late thumbnail never moves it back. */
export function useImagePhase(): ImagePhaseControl {
  const [state, dispatch] = useReducer(nextState, { phase: "placeholder", attempt: 0 });

  const onThumbnailLoad = useCallback((event: { readonly currentTarget: HTMLImageElement }) => {
    whenDecoded(event.currentTarget, () => dispatch("thumbnail-decoded"));
  }, []);
  const onFullLoad = useCallback((event: { readonly currentTarget: HTMLImageElement }) => {
    whenDecoded(event.currentTarget, () => dispatch("full-decoded"));
  }, []);
  const onFullError = useCallback(() => dispatch("full-failed"), []);
  const retry = useCallback(() => dispatch("retry"), []);

  return { ...state, onThumbnailLoad, onFullLoad, onFullError, retry };
}

function nextState(state: PhaseState, event: PhaseEvent): PhaseState {
  switch (event) {
    case "thumbnail-decoded":
      return state.phase === "placeholder" ? { ...state, phase: "thumbnail" } : state;
    case "full-decoded":
      return { ...state, phase: "full" };
    case "full-failed":
      return { ...state, phase: "failed" };
    case "retry":
      return { phase: "placeholder", attempt: state.attempt + 1 };
  }
}

/**
 * Calls back once the pixels are ready to paint, so that showing the image costs the main thread
 * nothing. `decode()` rejects when the element was removed or its source changed meanwhile; an image
 * that has loaded is shown all the same, and the browser decodes it as it paints.
 */
function whenDecoded(image: HTMLImageElement, callback: () => void): void {
  image.decode().then(callback, () => {
    if (image.isConnected) {
      callback();
    }
  });
}
