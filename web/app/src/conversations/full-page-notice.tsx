import type { ReactNode } from "react";
import { HangerIcon } from "../shell/icons.tsx";

interface FullPageNoticeProps {
  readonly title: string;
  readonly children: ReactNode;
  readonly action: string;
  readonly onAction: () => void;
}

function FullPageNotice({ title, children, action, onAction }: FullPageNoticeProps) {
  return (
    <div className="full-page-notice" role="alert">
      <HangerIcon />
      <h2>{title}</h2>
      <p>{children}</p>
      <button type="button" className="button button-primary" onClick={onAction}>
        {action}
      </button>
    </div>
  );
}

/** The address names a conversation that the server does not have. */
export function MissingConversation({ onStartNew }: { readonly onStartNew: () => void }) {
  return (
    <FullPageNotice title="Nothing on this hook" action="Start a new chat" onAction={onStartNew}>
      The server has no conversation under this address. It may have been deleted, or the link was
      copied only in part.
    </FullPageNotice>
  );
}

interface UnreachableServerProps {
  readonly detail: string;
  readonly onRetry: () => void;
}

/** The conversation could not be read, for a reason that may pass. */
export function UnreachableServer({ detail, onRetry }: UnreachableServerProps) {
  return (
    <FullPageNotice title="The cloakroom does not answer" action="Try again" onAction={onRetry}>
      The conversation could not be read from the server. <span className="detail">{detail}</span>
    </FullPageNotice>
  );
}
