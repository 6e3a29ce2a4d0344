import {
  type KeyboardEvent,
  type ReactNode,
  type RefObject,
  use,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
} from "react";
import type { MediaReference } from "../core/reference.ts";
import { imageSource, savesData, windowSizes } from "../core/source.ts";
import { ZOOM_STEP } from "../core/zoom.ts";
import { LightboxBar } from "./lightbox-bar.tsx";
import { LightboxStage } from "./lightbox-stage.tsx";
import { useZoom, type Zoom } from "./use-zoom.ts";
import { ViewerLabelsContext } from "./viewer-labels.ts";

/** Props of {@link Lightbox}. */
export interface LightboxProps {
  /** The pictures to leaf through. */
  readonly references: readonly MediaReference[];
  /** Which of them is shown; null closes the lightbox. */
  readonly index: number | null;
  /** The reader went on to another one. */
  readonly onIndexChange: (index: number) => void;
  /** The reader closed it. The focus is back where it was. */
  readonly onClose: () => void;
  /** More to do with the picture, before the buttons that are there; `coat-lightbox-tool` fits in. */
  readonly renderActions?: (reference: MediaReference) => ReactNode;
}

/**
 * Pictures over the whole window, one at a time. A modal `<dialog>`: the page behind it is inert, the
 * focus stays inside, and goes back where it came from.
 *
 * Keys: arrows leaf through (and pan a zoomed picture), Home and End go to the first and last, `+`,
 * `-` and `0` zoom, Escape closes.
 *
 * @param props - The pictures, and which of them is shown.
 */
export function Lightbox({ references, index, ...rest }: LightboxProps) {
  const reference = index === null ? undefined : references[index];
  return index === null || reference === undefined ? null : (
    <OpenLightbox references={references} index={index} reference={reference} {...rest} />
  );
}

interface OpenLightboxProps extends LightboxProps {
  readonly index: number;
  readonly reference: MediaReference;
}

function OpenLightbox(props: OpenLightboxProps) {
  const { references, index, reference, onIndexChange, onClose, renderActions } = props;
  const labels = use(ViewerLabelsContext);
  const dialogRef = useRef<HTMLDialogElement>(null);
  const pictureRef = useRef<HTMLDivElement>(null);
  const natural = useMemo(() => naturalSize(reference), [reference]);
  const zoom = useZoom(pictureRef, natural);
  const description = reference.alt ?? reference.displayName ?? labels.untitled;

  const { reset } = zoom;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another picture begins at its fitting size
  useLayoutEffect(() => reset(false), [reference.id]);
  useModal(dialogRef);
  useNeighbours(references, index);

  const go = (target: number) => {
    if (target >= 0 && target < references.length && target !== index) {
      onIndexChange(target);
    }
  };
  const close = () => dialogRef.current?.close();
  const onKeyDown = (event: KeyboardEvent<HTMLDialogElement>) => {
    if (event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const action = keyAction(event.key, zoom, {
      isRtl: isRightToLeft(event.currentTarget),
      by: (step) => go(index + step),
      to: (target) => go(target < 0 ? references.length + target : target),
    });
    if (action !== null) {
      event.preventDefault();
      action();
    }
  };

  return (
    <dialog
      ref={dialogRef}
      className="coat-lightbox"
      tabIndex={-1}
      data-testid="lightbox"
      aria-label={`${labels.viewer}: ${description}`}
      onClose={({ currentTarget }) => {
        // Strict mode closes and opens it again before the event of the first comes.
        if (!currentTarget.open) {
          onClose();
        }
      }}
      onKeyDown={onKeyDown}
    >
      <LightboxStage
        reference={reference}
        pictureRef={pictureRef}
        zoom={zoom}
        onSwipe={(towards) => {
          const isForward = (towards === "left") !== isRightToLeft(dialogRef.current);
          go(index + (isForward ? 1 : -1));
        }}
        onDismiss={close}
      />
      <LightboxBar
        reference={reference}
        description={description}
        index={index}
        count={references.length}
        zoom={zoom}
        actions={renderActions?.(reference)}
        onGo={go}
        onClose={close}
      />
    </dialog>
  );
}

interface Leafing {
  readonly isRtl: boolean;
  readonly by: (step: number) => void;
  /** From the end where it is negative. */
  readonly to: (target: number) => void;
}

/** What a key does; null for one that means nothing here. */
function keyAction(key: string, zoom: Zoom, { isRtl, by, to }: Leafing): (() => void) | null {
  const arrow = ARROWS.get(key);
  if (arrow !== undefined && zoom.scale > 1) {
    // The key moves the window over the picture, as it does over a page.
    return () => zoom.panBy({ x: -arrow.x * PAN_STEP, y: -arrow.y * PAN_STEP }, true);
  }
  switch (key) {
    case "ArrowLeft":
      return () => by(isRtl ? 1 : -1);
    case "ArrowRight":
      return () => by(isRtl ? -1 : 1);
    case "PageUp":
      return () => by(-1);
    case "PageDown":
      return () => by(1);
    case "Home":
      return () => to(0);
    case "End":
      return () => to(-1);
    case "+":
    case "=":
      return () => zoom.zoomBy(ZOOM_STEP);
    case "-":
    case "_":
      return () => zoom.zoomBy(1 / ZOOM_STEP);
    case "0":
      return () => zoom.reset();
    default:
      return null;
  }
}

const ARROWS = new Map([
  ["ArrowLeft", { x: -1, y: 0 }],
  ["ArrowRight", { x: 1, y: 0 }],
  ["ArrowUp", { x: 0, y: -1 }],
  ["ArrowDown", { x: 0, y: 1 }],
]);
/** CSS pixels. */
const PAN_STEP = 96;

/** Opens the dialog for as long as the component is there. */
function useModal(dialogRef: RefObject<HTMLDialogElement | null>): void {
  useLayoutEffect(() => {
    const dialog = dialogRef.current;
    dialog?.showModal();
    // Not its first button, which would be announced instead of the picture.
    dialog?.focus();
    // While the dialog is still in the document: only then does it give the focus back.
    return () => dialog?.close();
  }, [dialogRef]);
}

/** Fetches the pictures on either side, so that leafing on shows them at once. */
function useNeighbours(references: readonly MediaReference[], index: number): void {
  const [before, after] = [references[index - 1], references[index + 1]];
  useEffect(() => {
    const images = [after, before].map((reference) => {
      const image = new Image();
      // Those who save data may never leaf on.
      const source = reference === undefined || savesData() ? null : imageSource(reference);
      if (reference !== undefined && source !== null) {
        image.fetchPriority = "low";
        image.sizes = windowSizes(reference);
        image.srcset = source.srcSet ?? "";
        image.src = source.src;
      }
      return image;
    });
    return () => {
      for (const image of images) {
        image.removeAttribute("srcset");
        image.removeAttribute("src");
      }
    };
  }, [before, after]);
}

function naturalSize({ width, height }: MediaReference) {
  return width === undefined || height === undefined ? null : { width, height };
}

function isRightToLeft(element: Element | null): boolean {
  return element !== null && getComputedStyle(element).direction === "rtl";
}
