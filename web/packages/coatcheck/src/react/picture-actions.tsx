import { use, useState } from "react";
import { copyImage, copyPicture } from "../core/copy-image.ts";
import type { MediaReference } from "../core/reference.ts";
import { MediaLabelsContext } from "./labels.ts";
import { ViewerIcon } from "./viewer-icons.tsx";

interface PictureActionsProps {
  /** What the picture is called, for those who do not see which one a button is under. */
  readonly name: string;
  /** The address that saves it; null where there is none. */
  readonly download: string | null;
  /** What to copy: media of the server, bytes that are here, or the address of any others. */
  readonly image: MediaReference | Blob | string;
  /** The address that can be passed on; null where the picture has none of its own. */
  readonly link: string | null;
  readonly onOpen?: (() => void) | undefined;
}

/** The buttons under a picture. */
export function PictureActions({ name, download, image, link, onOpen }: PictureActionsProps) {
  const labels = use(MediaLabelsContext);
  const [said, setSaid] = useState("");
  const copy = async (copying: () => Promise<void>) => {
    try {
      await copying();
      setSaid(labels.copied);
    } catch {
      setSaid(labels.notCopied);
    }
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for a form
    <div className="coat-actions" role="group" aria-label={`${labels.actions}: ${name}`}>
      {onOpen !== undefined && (
        <button type="button" className="coat-button" onClick={onOpen}>
          <ViewerIcon name="fit" />
          {labels.open}
        </button>
      )}
      {download !== null && (
        <a className="coat-button" href={download} download={name}>
          <ViewerIcon name="download" />
          {labels.download}
        </a>
      )}
      <button type="button" className="coat-button" onClick={() => copy(() => copyAny(image))}>
        <ViewerIcon name="copy" />
        {labels.copyImage}
      </button>
      {link !== null && (
        <button
          type="button"
          className="coat-button"
          onClick={() =>
            copy(() => navigator.clipboard.writeText(new URL(link, location.href).href))
          }
        >
          <ViewerIcon name="link" />
          {labels.copyLink}
        </button>
      )}
      <span className="coat-said" role="status">
        {said}
      </span>
    </div>
  );
}

function copyAny(image: PictureActionsProps["image"]): Promise<void> {
  return typeof image === "string" || image instanceof Blob ? copyPicture(image) : copyImage(image);
}
