import { type RefObject, useRef } from "react";
import type { MediaReference } from "../core/reference.ts";
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
          // A picture that is zoomed into is worth its own pixels.
          sizes={isZoomed && reference.width !== undefined ? `${reference.width}px` : "100vw"}
        />
      </div>
    </div>
  );
}
