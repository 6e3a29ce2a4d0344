import { type RefObject, useCallback, useMemo, useRef, useState } from "react";
import {
  confine,
  FIT,
  largestScale,
  type Point,
  pan,
  type Size,
  type View,
  zoomAt,
} from "../core/zoom.ts";

/** Moves a picture about its stage. */
export interface Zoom {
  /** How large the picture is shown; 1 is fitting. */
  readonly scale: number;
  /** Zooms by a factor, about a point measured from the middle of the stage. */
  readonly zoomBy: (factor: number, about?: Point, glide?: boolean) => void;
  readonly panBy: (by: Point, glide?: boolean) => void;
  /** Draws a fitting picture off its place while a finger drags it; (0, 0) lets it go back. */
  readonly dragTo: (offset: Point) => void;
  /** Shows the whole picture in the middle again. */
  readonly reset: (glide?: boolean) => void;
}

/**
 * Keeps the place of the picture in `pictureRef` within its parent, the stage. It is written straight
 * to the element's style: a finger moves at the screen's rate, and React renders only the new scale.
 */
export function useZoom(pictureRef: RefObject<HTMLElement | null>, natural: Size | null): Zoom {
  const view = useRef<View>(FIT);
  const [scale, setScale] = useState(1);

  const draw = useCallback(
    ({ x, y, scale: size }: View, glide: boolean) => {
      const picture = pictureRef.current;
      if (picture !== null) {
        picture.toggleAttribute("data-gliding", glide);
        picture.style.transform = `translate(${x}px, ${y}px) scale(${size})`;
      }
    },
    [pictureRef],
  );
  const show = useCallback(
    (next: View, glide: boolean) => {
      const picture = pictureRef.current;
      const stage = picture?.parentElement;
      if (picture === null || stage === null || stage === undefined) {
        return;
      }
      view.current = confine(next, fittedSize(picture), sizeOf(stage));
      draw(view.current, glide);
      setScale(view.current.scale);
    },
    [pictureRef, draw],
  );

  return useMemo(
    () => ({
      scale,
      zoomBy: (factor, about = CENTRE, glide = true) => {
        const picture = pictureRef.current;
        if (picture !== null) {
          const largest = largestScale(fittedSize(picture), natural);
          show(zoomAt(view.current, factor, about, largest), glide);
        }
      },
      panBy: (by, glide = false) => show(pan(view.current, by), glide),
      dragTo: (offset) => draw({ ...offset, scale: 1 }, offset.x === 0 && offset.y === 0),
      reset: (glide = true) => show(FIT, glide),
    }),
    [scale, natural, pictureRef, show, draw],
  );
}

const CENTRE: Point = { x: 0, y: 0 };

/** Before its transform, which the layout does not know. */
function fittedSize(picture: HTMLElement): Size {
  return { width: picture.offsetWidth, height: picture.offsetHeight };
}

function sizeOf(stage: HTMLElement): Size {
  return { width: stage.clientWidth, height: stage.clientHeight };
}
