import { useCallback, useReducer } from "react";
import type { Dimensions } from "../core/media-state.ts";
import { whenDecoded } from "../core/picture-controller.ts";
import type { ImageEvent } from "./use-media.ts";

interface Loading {
  readonly state: "loading" | "full" | "failed";
  /** The picture's own size, once it has loaded. */
  readonly natural: Dimensions | null;
  /** Counts the tries; a React key. */
  readonly attempt: number;
}

type Action =
  | { readonly type: "loaded"; readonly natural: Dimensions | null }
  | { readonly type: "failed" | "retried" };

/** The life of an `<img>` that has one source only. */
export function useLoading() {
  const [loading, dispatch] = useReducer(nextLoading, FIRST);
  const onLoad = useCallback(({ currentTarget }: ImageEvent) => {
    const { naturalWidth: width, naturalHeight: height } = currentTarget;
    const natural = width > 0 && height > 0 ? { width, height } : null;
    whenDecoded(currentTarget, () => dispatch({ type: "loaded", natural }));
  }, []);
  const onError = useCallback(() => dispatch({ type: "failed" }), []);
  const retry = useCallback(() => dispatch({ type: "retried" }), []);
  return { ...loading, onLoad, onError, retry };
}

const FIRST: Loading = { state: "loading", natural: null, attempt: 0 };

function nextLoading(loading: Loading, action: Action): Loading {
  switch (action.type) {
    case "loaded":
      return { ...loading, state: "full", natural: action.natural };
    case "failed":
      return { ...loading, state: "failed" };
    case "retried":
      return { ...loading, state: "loading", attempt: loading.attempt + 1 };
  }
}
