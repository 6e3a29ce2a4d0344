import { use } from "react";
import { MediaLabelsContext } from "./labels.ts";

interface LoadFailureProps {
  readonly description: string;
  /** Null where trying again cannot help: the reference has no address. */
  readonly retry: (() => void) | null;
}

/** What stands in a picture's box when the picture could not be fetched. */
export function LoadFailure({ description, retry }: LoadFailureProps) {
  const labels = use(MediaLabelsContext);
  return (
    <div className="coat-layer coat-notice" role="alert">
      <p className="coat-notice-title">{labels.loadFailed}</p>
      {description !== "" && <p className="coat-notice-detail">{description}</p>}
      {retry !== null && (
        <button type="button" className="coat-button" onClick={retry}>
          {labels.retry}
        </button>
      )}
    </div>
  );
}
