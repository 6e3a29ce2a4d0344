import { type ReactNode, use, useMemo, useState } from "react";
import { type Dimensions, type MediaState, parseMediaState } from "../core/media-state.ts";
import { isImage, type MediaReference } from "../core/reference.ts";
import { FileChip } from "./file-chip.tsx";
import { MediaLabelsContext } from "./labels.ts";
import { MediaBox } from "./media-box.tsx";
import { MediaImage } from "./media-image.tsx";
import { useObjectUrl } from "./use-object-url.ts";

/** Props of {@link MediaPart}. */
export interface MediaPartProps {
  /** The `data` of an AI SDK `data-media` part, as it came. */
  readonly data: unknown;
  /** Whether the message is still being written. If not, an unfinished picture will stay unfinished. */
  readonly active?: boolean;
  /** See `MediaImageProps.priority`. */
  readonly priority?: boolean;
  /** Rendered as the figure's caption under a finished picture. */
  readonly caption?: (reference: MediaReference) => ReactNode;
}

/** A `data-media` part of a message in whichever state it is in. */
export function MediaPart({ data, active = true, priority = false, caption }: MediaPartProps) {
  const media = useMemo(() => parseMediaState(data), [data]);
  const dimensions = useLastDimensions(media);

  switch (media.state) {
    case "pending":
      return (
        <Unfinished
          dimensions={dimensions}
          active={active}
          progress={null}
          thumbnailUrl={null}
          blob={null}
        />
      );
    case "preview":
      return (
        <Unfinished
          dimensions={dimensions}
          active={active}
          progress={media.progress}
          thumbnailUrl={media.thumbnailUrl}
          blob={media.blob}
        />
      );
    case "ready":
      return isImage(media.reference) ? (
        <figure className="coat-figure">
          <MediaImage reference={media.reference} thumbnail={media.thumbnail} priority={priority} />
          {caption !== undefined && (
            <figcaption className="coat-caption">{caption(media.reference)}</figcaption>
          )}
        </figure>
      ) : (
        <FileChip reference={media.reference} />
      );
    case "failed":
      return <Failure code={media.code} message={media.message} />;
  }
}

/** A preview does not repeat the size that the pending state announced; the box keeps it. */
function useLastDimensions(media: MediaState): Dimensions | null {
  const [last, setLast] = useState<Dimensions | null>(null);
  const current = "dimensions" in media ? media.dimensions : null;
  if (current !== null && (current.width !== last?.width || current.height !== last.height)) {
    setLast(current);
  }
  return current ?? last;
}

interface UnfinishedProps {
  readonly dimensions: Dimensions | null;
  readonly active: boolean;
  readonly progress: number | null;
  readonly thumbnailUrl: string | null;
  readonly blob: Blob | null;
}

function Unfinished({ dimensions, active, progress, thumbnailUrl, blob }: UnfinishedProps) {
  const labels = use(MediaLabelsContext);
  const objectUrl = useObjectUrl(blob);
  const draft = blob === null ? thumbnailUrl : objectUrl;
  const percent = progress === null ? null : Math.round(progress * 100);
  return (
    <MediaBox
      dimensions={dimensions}
      className="coat-unfinished"
      data-testid="media-unfinished"
      data-active={active}
    >
      {draft !== null && (
        <img
          className="coat-layer coat-preview"
          data-testid="media-preview"
          src={draft}
          alt=""
          decoding="async"
        />
      )}
      <p className="coat-status" role="status">
        {active ? labels.drawing : labels.stopped}
      </p>
      {active && percent !== null && (
        <div
          className="coat-progress"
          role="progressbar"
          aria-label={labels.drawing}
          aria-valuenow={percent}
          aria-valuemin={0}
          aria-valuemax={100}
        >
          <div className="coat-progress-bar" style={{ inlineSize: `${percent}%` }} />
        </div>
      )}
    </MediaBox>
  );
}

function Failure({ code, message }: { readonly code: string; readonly message: string }) {
  const labels = use(MediaLabelsContext);
  return (
    <div className="coat-failure" role="alert" data-testid="media-failed">
      <p className="coat-notice-title">{labels.failed}</p>
      <p className="coat-notice-detail">{message}</p>
      <code className="coat-code">{code}</code>
    </div>
  );
}
