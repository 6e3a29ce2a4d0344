import { use } from "react";
import type { Dimensions } from "../core/media-state.ts";
import { MediaLabelsContext } from "./labels.ts";
import { MediaBox } from "./media-box.tsx";
import { useObjectUrl } from "./use-object-url.ts";

interface UnfinishedProps {
  readonly dimensions: Dimensions | null;
  readonly active: boolean;
  readonly progress: number | null;
  readonly thumbnailUrl: string | null;
  readonly blob: Blob | null;
}

/** The place of a picture that is being made, or was until it was stopped. */
export function Unfinished({ dimensions, active, progress, thumbnailUrl, blob }: UnfinishedProps) {
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
          <div className="coat-progress-bar" style={{ transform: `scaleX(${percent / 100})` }} />
        </div>
      )}
    </MediaBox>
  );
}

interface FailureProps {
  readonly code: string;
  readonly message: string;
  /** Asks for the picture once more; left out where that is not possible. */
  readonly onRetry?: (() => void) | undefined;
}

/** Why there is no picture. */
export function Failure({ code, message, onRetry }: FailureProps) {
  const labels = use(MediaLabelsContext);
  return (
    <div className="coat-failure" role="alert" data-testid="media-failed">
      <p className="coat-notice-title">{labels.failed}</p>
      <p className="coat-notice-detail">{message}</p>
      <code className="coat-code">{code}</code>
      {onRetry !== undefined && (
        <button type="button" className="coat-button" onClick={onRetry}>
          {labels.retry}
        </button>
      )}
    </div>
  );
}
