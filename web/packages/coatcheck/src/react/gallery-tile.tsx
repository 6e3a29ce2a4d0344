import { memo, use, useState } from "react";
import type { TileBox } from "../core/gallery-layout.ts";
import { decodePlaceholder } from "../core/placeholder/placeholder.ts";
import type { MediaReference } from "../core/reference.ts";
import { imageSource } from "../core/source.ts";
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
      <button
        type="button"
        className="coat-tile-button"
        tabIndex={isActive ? 0 : -1}
        data-coat-tile={box.index}
        aria-label={reference.alt ?? reference.displayName ?? labels.untitled}
        aria-haspopup="dialog"
        onClick={() => onOpen(box.index)}
      >
        <TilePicture reference={reference} isFast={isFast} />
      </button>
    </li>
  );
});

interface TilePictureProps {
  readonly reference: MediaReference;
  readonly isFast: boolean;
}

function TilePicture({ reference, isFast }: TilePictureProps) {
  // What was begun goes on when the gallery begins to race.
  const [isBegun, setIsBegun] = useState(!isFast);
  const [phase, setPhase] = useState<"placeholder" | "thumbnail" | "failed">("placeholder");
  if (!(isFast || isBegun)) {
    setIsBegun(true);
  }
  const thumbnail = reference.thumbnailUrl ?? imageSource(reference)?.src;
  if (!isBegun) {
    return null;
  }
  return (
    <>
      <TileBlur placeholder={reference.placeholder} />
      {thumbnail !== undefined && phase !== "failed" && (
        // biome-ignore lint/a11y/noNoninteractiveElementInteractions: load and error are no interactions
        <img
          className="coat-layer coat-tile-thumbnail"
          data-shown={phase === "thumbnail"}
          src={thumbnail}
          alt=""
          decoding="async"
          draggable={false}
          onLoad={({ currentTarget }) => {
            const show = () => setPhase("thumbnail");
            currentTarget.decode().then(show, show);
          }}
          onError={() => setPhase("failed")}
        />
      )}
    </>
  );
}

const TileBlur = memo(function TileBlurView({
  placeholder,
}: {
  readonly placeholder: string | undefined;
}) {
  const blur = decodePlaceholder(placeholder);
  return blur === null ? null : (
    <img className="coat-layer coat-tile-blur" src={blur.dataUrl} alt="" decoding="async" />
  );
});
