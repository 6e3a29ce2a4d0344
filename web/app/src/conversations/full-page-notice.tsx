import type { ReactNode } from "react";
import { HangerIcon } from "../shell/icons.tsx";

interface FullPageNoticeProps {
  readonly title: string;
  readonly icon?: ReactNode;
  /** An alert interrupts who does not see it; a status waits. */
  readonly role?: "alert" | "status";
  readonly children: ReactNode;
  readonly action: string;
  readonly onAction: () => void;
}

/** What stands in the place of content that is not there, and what to do about it. */
export function FullPageNotice(props: FullPageNoticeProps) {
  const { title, icon = <HangerIcon />, role = "alert", children, action, onAction } = props;
  return (
    <div className="full-page-notice" role={role}>
      {icon}
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
  readonly what?: "conversation" | "pictures";
  readonly detail: string;
  readonly onRetry: () => void;
}

/** The conversation, or all pictures, could not be read, for a reason that may pass. */
export function UnreachableServer(props: UnreachableServerProps) {
  const { what = "conversation", detail, onRetry } = props;
  return (
    <FullPageNotice title="The cloakroom does not answer" action="Try again" onAction={onRetry}>
      The {what} could not be read from the server. <span className="detail">{detail}</span>
    </FullPageNotice>
  );
}
