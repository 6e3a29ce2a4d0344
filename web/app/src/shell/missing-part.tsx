import type { ReactNode } from "react";
import { FullPageNotice } from "../conversations/full-page-notice.tsx";
import { type LoadFailure, reloadPage } from "./later.ts";

interface MissingPartProps {
  readonly failure: LoadFailure;
  /** Says which part could not be loaded. */
  readonly children: ReactNode;
  readonly onRetry: () => void;
}

/** Stands in the place of a part of the page that could not be loaded, and offers what helps. */
export function MissingPart({ failure, children, onRetry }: MissingPartProps) {
  return failure === "outdated" ? (
    <FullPageNotice title="There is a new page" action="Reload" onAction={reloadPage}>
      The server was updated while this page was open. Reload it to go on; nothing that was sent is
      lost.
    </FullPageNotice>
  ) : (
    <FullPageNotice title="The page did not load whole" action="Try again" onAction={onRetry}>
      {children}
    </FullPageNotice>
  );
}
