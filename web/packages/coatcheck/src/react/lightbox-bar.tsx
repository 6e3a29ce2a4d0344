import { type ReactNode, use, useState } from "react";
import { canCopyImages, copyImage } from "../core/copy-image.ts";
import type { MediaReference } from "../core/reference.ts";
import { downloadAddress } from "../core/source.ts";
import { ZOOM_STEP } from "../core/zoom.ts";
import type { Zoom } from "./use-zoom.ts";
import { ViewerIcon } from "./viewer-icons.tsx";
import { ViewerLabelsContext } from "./viewer-labels.ts";

interface LightboxBarProps {
  readonly reference: MediaReference;
  readonly description: string;
  readonly index: number;
  readonly count: number;
  readonly zoom: Zoom;
  readonly actions: ReactNode;
  readonly onGo: (index: number) => void;
  readonly onClose: () => void;
}

/** What the picture is, and everything that a gesture or a key does as a button. */
export function LightboxBar(props: LightboxBarProps) {
  const { reference, description, index, count, zoom, actions, onGo, onClose } = props;
  const labels = use(ViewerLabelsContext);
  const position = labels.position(index + 1, count);
  const spoken = count > 1 ? `${position}: ${description}` : description;
  return (
    <>
      <div className="coat-lightbox-top">
        {count > 1 && (
          <bdi className="coat-lightbox-position" aria-hidden="true">
            {position}
          </bdi>
        )}
        <span className="coat-lightbox-tools">
          {actions}
          <Tool
            label={labels.zoomOut}
            icon="minus"
            disabled={zoom.scale <= 1}
            onPress={() => zoom.zoomBy(1 / ZOOM_STEP)}
          />
          <Tool
            label={labels.fit}
            icon="fit"
            disabled={zoom.scale <= 1}
            onPress={() => zoom.reset()}
          />
          <Tool label={labels.zoomIn} icon="plus" onPress={() => zoom.zoomBy(ZOOM_STEP)} />
          <CopyTool key={reference.id} reference={reference} />
          <DownloadTool reference={reference} />
          <Tool label={labels.close} icon="close" onPress={onClose} />
        </span>
      </div>
      {count > 1 && (
        <>
          <Tool
            className="coat-lightbox-previous"
            label={labels.previous}
            icon="previous"
            disabled={index === 0}
            onPress={() => onGo(index - 1)}
          />
          <Tool
            className="coat-lightbox-next"
            label={labels.next}
            icon="next"
            disabled={index === count - 1}
            onPress={() => onGo(index + 1)}
          />
        </>
      )}
      <p className="coat-lightbox-caption">
        <bdi>{description}</bdi>
      </p>
      <p className="coat-hidden" role="status">
        {spoken}
      </p>
    </>
  );
}

function CopyTool({ reference }: { readonly reference: MediaReference }) {
  const labels = use(ViewerLabelsContext);
  const [outcome, setOutcome] = useState<"copied" | "copyFailed" | null>(null);
  if (reference.url === undefined || !canCopyImages()) {
    return null;
  }
  const copy = () => {
    setOutcome(null);
    copyImage(reference).then(
      () => setOutcome("copied"),
      () => setOutcome("copyFailed"),
    );
  };
  return (
    <>
      <Tool label={labels.copy} icon={outcome === "copied" ? "done" : "copy"} onPress={copy} />
      <span
        className={outcome === "copyFailed" ? "coat-lightbox-note" : "coat-hidden"}
        role="status"
      >
        {outcome === null ? "" : labels[outcome]}
      </span>
    </>
  );
}

function DownloadTool({ reference }: { readonly reference: MediaReference }) {
  const labels = use(ViewerLabelsContext);
  const address = downloadAddress(reference);
  return address === null ? null : (
    <a
      className="coat-lightbox-tool"
      href={address}
      download={reference.displayName ?? true}
      aria-label={labels.download}
      title={labels.download}
    >
      <ViewerIcon name="download" />
    </a>
  );
}

interface ToolProps {
  readonly label: string;
  readonly icon: Parameters<typeof ViewerIcon>[0]["name"];
  readonly onPress: () => void;
  readonly disabled?: boolean;
  readonly className?: string;
}

function Tool({ label, icon, onPress, disabled = false, className }: ToolProps): ReactNode {
  return (
    <button
      type="button"
      className={className === undefined ? "coat-lightbox-tool" : `coat-lightbox-tool ${className}`}
      aria-label={label}
      title={label}
      // Not `disabled`: that would throw the focus out of the button as its last press is done.
      aria-disabled={disabled}
      onClick={disabled ? undefined : onPress}
    >
      <ViewerIcon name={icon} />
    </button>
  );
}
