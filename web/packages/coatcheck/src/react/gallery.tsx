import { type ReactNode, use, useCallback, useEffect, useState } from "react";
import type { MediaReference } from "../core/reference.ts";
import { GalleryTile } from "./gallery-tile.tsx";
import { Lightbox } from "./lightbox.tsx";
import { type GalleryShape, useGalleryWindow } from "./use-gallery-window.ts";
import { useRovingTile } from "./use-roving-tile.ts";
import { ViewerLabelsContext } from "./viewer-labels.ts";

/** Props of {@link MediaGallery}. */
export interface MediaGalleryProps {
  /** Pictures, in the order in which they are shown. */
  readonly references: readonly MediaReference[];
  /** `justified` keeps each picture's shape, `grid` cuts all to squares. */
  readonly layout?: GalleryShape;
  /** CSS pixels that a row is about as high as. */
  readonly rowHeight?: number;
  /** CSS pixels between two pictures. */
  readonly gap?: number;
  /** Names the gallery for those who do not see it. */
  readonly label?: string;
  /** What a press on a picture does; opens it in a lightbox by default. */
  readonly onOpen?: (index: number) => void;
  /** The reader comes near the last picture: a good moment to add more of them at the end. */
  readonly onEndReached?: () => void;
  /** See {@link LightboxProps}. */
  readonly renderActions?: (reference: MediaReference) => ReactNode;
}

/**
 * Any number of pictures in a scrolling region of its own, which takes the size that the page gives
 * it. Only the tiles in view are in the document. Each has its final box before its picture is there.
 *
 * One tile is in the tab order; arrows, Home, End, Page Up and Page Down move among them.
 *
 * @param props - The pictures, and how they are laid out.
 */
export function MediaGallery(props: MediaGalleryProps) {
  const { references, layout = "justified", rowHeight = 192, gap = 8, label } = props;
  const { onOpen, onEndReached, renderActions } = props;
  const labels = use(ViewerLabelsContext);
  const [opened, setOpened] = useState<number | null>(null);
  const { viewportRef, backdropRef, content, from, to, reveal } = useGalleryWindow(references, {
    shape: layout,
    rowHeight,
    gap,
  });
  const roving = useRovingTile(viewportRef, content, reveal);
  const open = onOpen ?? setOpened;
  // Also who leafs through the lightbox comes to the end.
  const last = Math.max(to, opened ?? 0);
  const isNearEnd = last > 0 && last + AHEAD >= references.length;
  useEffect(() => {
    if (isNearEnd) {
      onEndReached?.();
    }
  }, [isNearEnd, onEndReached]);
  const { activate, focus } = roving;
  const openTile = useCallback(
    (index: number) => {
      activate(index);
      open(index);
    },
    [activate, open],
  );
  const close = () => {
    // Back to the picture that was looked at last, which need not be the one that was pressed.
    setOpened(null);
    if (opened !== null) {
      focus(opened);
    }
  };

  if (references.length === 0) {
    return <p className="coat-gallery-empty">{labels.noMedia}</p>;
  }
  return (
    <>
      <section
        ref={viewportRef}
        className="coat-gallery"
        data-testid="media-gallery"
        aria-label={label ?? labels.gallery}
      >
        <canvas ref={backdropRef} className="coat-gallery-backdrop" hidden={true} />
        {/* biome-ignore lint/a11y/noNoninteractiveElementInteractions: keys bubble here from the tiles' buttons */}
        <ul
          className="coat-gallery-content"
          style={{ blockSize: content.height }}
          onKeyDown={roving.onKeyDown}
        >
          {windowOf(content.tiles.length, from, to, roving.active).map((index) => {
            const box = content.tiles[index];
            const reference = references[index];
            return box === undefined || reference === undefined ? null : (
              <GalleryTile
                key={reference.id}
                box={box}
                count={references.length}
                reference={reference}
                isActive={index === roving.active}
                onOpen={openTile}
              />
            );
          })}
        </ul>
      </section>
      <Lightbox
        references={references}
        index={opened}
        onIndexChange={setOpened}
        onClose={close}
        {...(renderActions === undefined ? {} : { renderActions })}
      />
    </>
  );
}

/** Tiles before the last one from which on the end is near: a screen or two. */
const AHEAD = 60;

/** The tiles in view, and the one that the Tab key leads to, in order. */
function windowOf(count: number, from: number, to: number, active: number): number[] {
  const shown = Array.from({ length: to - from }, (_, offset) => from + offset);
  if (active >= count || (active >= from && active < to)) {
    return shown;
  }
  return active < from ? [active, ...shown] : [...shown, active];
}
