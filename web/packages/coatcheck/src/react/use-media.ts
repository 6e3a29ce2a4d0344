import { use, useCallback, useEffect, useMemo, useState } from "react";
import { PictureController, type PicturePhase } from "../core/picture-controller.ts";
import { decodePlaceholder, type Placeholder } from "../core/placeholder/placeholder.ts";
import type { MediaReference } from "../core/reference.ts";
import type { RefreshReference } from "../core/refresh.ts";
import { type ImageSource, imageSource } from "../core/source.ts";
import { MediaRefreshContext } from "./refresh-context.ts";

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
  readonly phase: PicturePhase;
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
  const [controller] = useState(() => new PictureController());
  const [state, setState] = useState(controller.state);
  useEffect(() => {
    // As it is by now: an image that was complete before its handlers may have told of itself already.
    setState(controller.state);
    return controller.subscribe(() => setState(controller.state));
  }, [controller]);
  const reference = state.renewed ?? given;
  const source = useMemo(() => imageSource(reference), [reference]);
  const hash = isBoxOnly ? undefined : given.placeholder;
  const placeholder = useMemo(() => decodePlaceholder(hash), [hash]);
  const phase = source === null ? "failed" : state.phase;

  const { attempt } = state;
  const onThumbnailLoad = useCallback(
    ({ currentTarget }: ImageEvent) => controller.loaded(attempt, "thumbnail", currentTarget),
    [controller, attempt],
  );
  const onFullLoad = useCallback(
    ({ currentTarget }: ImageEvent) => controller.loaded(attempt, "full", currentTarget),
    [controller, attempt],
  );
  const onFullError = useCallback(
    () => controller.failed(attempt, { reference, refresh: renew }),
    [controller, attempt, reference, renew],
  );

  const handlers = { onThumbnailLoad, onFullLoad, onFullError, retry: controller.retry };
  return { reference, phase, source, placeholder, attempt, ...handlers };
}
