import { memo, use, useMemo } from "react";
import type { TileBox } from "../core/gallery-layout.ts";
import { decodePlaceholder } from "../core/placeholder/placeholder.ts";
import type { MediaReference } from "../core/reference.ts";
import { savesData, thumbnailAddress } from "../core/source.ts";
import { ViewerLabelsContext } from "./viewer-labels.ts";

interface GalleryTileProps {
  readonly box: TileBox;
  readonly count: number;
  readonly reference: MediaReference;
  readonly isActive: boolean;
  readonly onOpen: (index: number) => void;
}

/**
 * One picture of a gallery: its box, its blur, its thumbnail.
 *
 * As little as a tile can be, for a row of them comes with every few frames that one scrolls. Both pictures
 * are backgrounds: an `<img>` would be two more layers to sort, and tell React that it is there. One that
 * fails stays unseen.
 */
export const GalleryTile = memo(function GalleryTileView(props: GalleryTileProps) {
  const { box, count, reference, isActive, onOpen } = props;
  const labels = use(ViewerLabelsContext);
  const blur = useMemo(
    () => decodePlaceholder(reference.placeholder)?.dataUrl,
    [reference.placeholder],
  );
  const addresses = [...thumbnails(reference, box.width), ...(blur === undefined ? [] : [blur])];
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
        style={addresses.length === 0 ? undefined : { backgroundImage: layered(addresses) }}
      />
    </li>
  );
});

/**
 * The files for a tile of this width, in CSS pixels. Under one of the server's widths lies the thumbnail,
 * which it has also when it is too busy to render.
 */
function thumbnails(reference: MediaReference, width: number): readonly string[] {
  const { thumbnailUrl } = reference;
  const chosen = thumbnailAddress(reference, savesData() ? 0 : width * devicePixelRatio);
  const others = thumbnailUrl === undefined || thumbnailUrl === chosen ? [] : [thumbnailUrl];
  return chosen === null ? others : [chosen, ...others];
}

/** For `background-image`, the first on top. */
function layered(addresses: readonly string[]): string {
  return addresses.map((address) => `url("${address.replaceAll('"', "%22")}")`).join(", ");
}
