import { memo, use, useMemo, useState } from "react";
import type { TileBox } from "../core/gallery-layout.ts";
import { decodePlaceholder } from "../core/placeholder/placeholder.ts";
import type { MediaReference } from "../core/reference.ts";
import { type ImageSource, savesData, thumbnailSource } from "../core/source.ts";
import type { ImageEvent } from "./use-media.ts";
import { ViewerLabelsContext } from "./viewer-labels.ts";

interface GalleryTileProps {
  readonly box: TileBox;
  readonly count: number;
  readonly reference: MediaReference;
  readonly isActive: boolean;
  /** The gallery races past: the box is enough. */
  readonly isFast: boolean;
  readonly onOpen: (index: number) => void;
}

/** One picture of a gallery: its box, its blur, its thumbnail. */
export const GalleryTile = memo(function GalleryTileView(props: GalleryTileProps) {
  const { box, count, reference, isActive, isFast, onOpen } = props;
  const labels = use(ViewerLabelsContext);
  // What was begun goes on when the gallery begins to race.
  const [isBegun, setIsBegun] = useState(!isFast);
  if (!(isFast || isBegun)) {
    setIsBegun(true);
  }
  const thumbnail = useMemo(
    () => thumbnailSource(reference, { saveData: savesData() }),
    [reference],
  );
  return (
    <li
      className="coat-tile"
      aria-setsize={count}
      aria-posinset={box.index + 1}
      style={{
        insetInlineStart: box.start,
        insetBlockStart: box.top,
        inlineSize: box.width,
        blockSize: box.height,
      }}
    >
      <TileButton
        index={box.index}
        label={reference.alt ?? reference.displayName ?? labels.untitled}
        isActive={isActive}
        blur={isBegun ? reference.placeholder : undefined}
        thumbnail={isBegun ? thumbnail : null}
        width={Math.round(box.width)}
        onOpen={onOpen}
      />
    </li>
  );
});

interface TileButtonProps {
  readonly index: number;
  readonly label: string;
  readonly isActive: boolean;
  readonly blur: string | undefined;
  readonly thumbnail: ImageSource | null;
  /** CSS pixels. */
  readonly width: number;
  readonly onOpen: (index: number) => void;
}

/**
 * As little as a tile can be, for a row of them comes with every few frames that one scrolls. The blur is
 * a background: an element of its own would be fetched twice, and tell React that it is there.
 */
const TileButton = memo(function TileButtonView(props: TileButtonProps) {
  const { index, label, isActive, blur, thumbnail, width, onOpen } = props;
  const background = useMemo(() => decodePlaceholder(blur)?.dataUrl, [blur]);
  return (
    <button
      type="button"
      className="coat-tile-button"
      tabIndex={isActive ? 0 : -1}
      data-coat-tile={index}
      aria-label={label}
      aria-haspopup="dialog"
      onClick={() => onOpen(index)}
      style={background === undefined ? undefined : { backgroundImage: `url(${background})` }}
    >
      {thumbnail !== null && (
        // biome-ignore lint/a11y/noNoninteractiveElementInteractions: load and error are no interactions
        <img
          className="coat-layer coat-tile-thumbnail"
          alt=""
          decoding="async"
          draggable={false}
          onLoad={showDecoded}
          {...(thumbnail.srcSet !== undefined && {
            sizes: `${width}px`,
            srcSet: thumbnail.srcSet,
            onError: dropWidths,
          })}
          // Last: a browser begins to fetch when it is set, and the hints must be there by then.
          src={thumbnail.src}
        />
      )}
    </button>
  );
});

/** The server has no width to show just now: the thumbnail, which it always has, takes its place. */
function dropWidths({ currentTarget: image }: ImageEvent): void {
  image.removeAttribute("srcset");
}

/** Straight to the element: nothing else on the page depends on it. One that fails stays unseen. */
function showDecoded({ currentTarget: image }: ImageEvent): void {
  const show = () => {
    image.dataset["shown"] = "true";
  };
  image.decode().then(show, show);
}
