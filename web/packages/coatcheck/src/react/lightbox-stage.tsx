import { type RefObject, useEffect, useRef, useState } from "react";
import type { MediaReference } from "../core/reference.ts";
import { WIDE_ENOUGH, windowSizes } from "../core/source.ts";
import { MediaImage } from "./media-image.tsx";
import { type GestureActions, useViewerGestures } from "./use-viewer-gestures.ts";
import type { Zoom } from "./use-zoom.ts";

interface LightboxStageProps extends GestureActions {
  readonly reference: MediaReference;
  readonly pictureRef: RefObject<HTMLDivElement | null>;
  readonly zoom: Zoom;
}

/** Where the picture lies and is moved about by pointers; the keys are the dialog's. */
export function LightboxStage({ reference, pictureRef, zoom, ...actions }: LightboxStageProps) {
  const stageRef = useRef<HTMLDivElement>(null);
  const handlers = useViewerGestures(stageRef, zoom, actions);
  const isZoomed = zoom.scale > 1;
  const hasOriginal = useOriginal(reference, isZoomed && shownWidth(reference, zoom) > WIDE_ENOUGH);
  return (
    <div
      ref={stageRef}
      className="coat-lightbox-stage"
      data-testid="lightbox-stage"
      data-zoomed={isZoomed}
      {...handlers}
    >
      <div ref={pictureRef} className="coat-lightbox-picture">
        <MediaImage
          reference={reference}
          priority={true}
          sizes={windowSizes(reference)}
          original={hasOriginal}
        />
      </div>
    </div>
  );
}

/** How many of the screen's pixels a zoomed picture is wide, without asking for a layout. */
function shownWidth({ width, height }: MediaReference, { scale }: Zoom): number {
  const ratio = width === undefined || height === undefined ? 1 : width / height;
  return Math.min(innerWidth, innerHeight * ratio) * scale * devicePixelRatio;
}

/**
 * Fetches the original as soon as it is wanted, and says when it is there. Where it cannot be had, as
 * without a network, what is shown stays.
 */
function useOriginal({ id, url }: MediaReference, isWanted: boolean): boolean {
  const [loaded, setLoaded] = useState<string | null>(null);
  useEffect(() => {
    if (!isWanted || url === undefined) {
      return;
    }
    let isCurrent = true;
    const image = new Image();
    image.src = url;
    image.decode().then(
      () => {
        if (isCurrent) {
          setLoaded(id);
        }
      },
      () => undefined,
    );
    return () => {
      isCurrent = false;
    };
  }, [id, url, isWanted]);
  // Once it is there it stays: it is the better picture at every size.
  return loaded === id;
}
