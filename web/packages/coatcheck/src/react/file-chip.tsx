import { use } from "react";
import { formatBytes } from "../core/format-bytes.ts";
import type { MediaReference } from "../core/reference.ts";
import { downloadAddress } from "../core/source.ts";
import { MediaLabelsContext } from "./labels.ts";

/**
 * Media that is no picture: its name, type and size, and a way to get it.
 *
 * @param props - The `reference` of the media.
 */
export function FileChip({ reference }: { readonly reference: MediaReference }) {
  const labels = use(MediaLabelsContext);
  const address = downloadAddress(reference);
  const name = reference.displayName ?? labels.untitled;
  return (
    <div className="coat-file" data-testid="media-file" data-media-id={reference.id}>
      <span className="coat-file-type" aria-hidden="true">
        {shortType(reference.mimeType)}
      </span>
      <span className="coat-file-text">
        <span className="coat-file-name">{name}</span>
        <span className="coat-file-size">{formatBytes(reference.size)}</span>
      </span>
      {address !== null && (
        <a className="coat-button" href={address} download={reference.displayName ?? true}>
          {labels.download}
          <span className="coat-hidden"> {name}</span>
        </a>
      )}
    </div>
  );
}

/** `application/pdf` → `PDF`, `image/svg+xml` → `SVG`; a long vendor type is cut to its last word. */
function shortType(mimeType: string): string {
  const subtype = mimeType.split("/")[1] ?? mimeType;
  const word = subtype.split("+")[0]?.split(WORD_END).at(-1) ?? subtype;
  return word.slice(0, 5).toUpperCase();
}

const WORD_END = /[.-]/u;
