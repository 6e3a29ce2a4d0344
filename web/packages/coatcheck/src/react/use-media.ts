import { use, useCallback, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { PictureController, type PicturePhase } from "../core/picture-controller.ts";
import { decodePlaceholder, type Placeholder } from "../core/placeholder/placeholder.ts";
import type { MediaReference } from "../core/reference.ts";
import type { RefreshReference } from "../core/refresh.ts";
import { type ImageSource, imageSource, savesData } from "../core/source.ts";
import { MediaRefreshContext } from "./refresh-context.ts";

/** Options of {@link useMedia}. */
export interface UseMediaOptions {
  /** Asks for fresh addresses when these have expired; by default what {@link MediaRefreshContext} says. */
  readonly refresh?: RefreshReference | null | undefined;
  /** Show the original instead of the widths that the server renders, as to a reader who looks closer. */
  readonly original?: boolean;
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
  { refresh, original = false, isBoxOnly = false }: UseMediaOptions = {},
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
  const { attempt } = state;
  // In which try the server had no width to show; there the original takes its place.
  const [failedWidths, setFailedWidths] = useState<number | null>(null);
  const isOriginal = original || failedWidths === attempt;
  // Markup from a server knows of no reader.
  const saveData = useSyncExternalStore(neverChanges, savesData, unknown);
  const source = useMemo(
    () => imageSource(reference, { original: isOriginal, saveData }),
    [reference, isOriginal, saveData],
  );
  const hash = isBoxOnly ? undefined : given.placeholder;
  const placeholder = useMemo(() => decodePlaceholder(hash), [hash]);
  const phase = source === null ? "failed" : state.phase;

  const onThumbnailLoad = useCallback(
    ({ currentTarget }: ImageEvent) => controller.loaded(attempt, "thumbnail", currentTarget),
    [controller, attempt],
  );
  const onFullLoad = useCallback(
    ({ currentTarget }: ImageEvent) => controller.loaded(attempt, "full", currentTarget),
    [controller, attempt],
  );
  const hasWidths = source?.srcSet !== undefined;
  const onFullError = useCallback(() => {
    if (hasWidths) {
      setFailedWidths(attempt);
    } else {
      controller.failed(attempt, { reference, refresh: renew });
    }
  }, [controller, attempt, reference, renew, hasWidths]);

  const handlers = { onThumbnailLoad, onFullLoad, onFullError, retry: controller.retry };
  return { reference, phase, source, placeholder, attempt, ...handlers };
}

const neverChanges = () => () => undefined;
const unknown = () => false;
