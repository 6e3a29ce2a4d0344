import type { ChatSessions } from "../chat/sessions.ts";
import { ChatView } from "./chat-view.tsx";
import { MissingConversation, UnreachableServer } from "./full-page-notice.tsx";
import { TranscriptSkeleton } from "./transcript-skeleton.tsx";
import { useConversation } from "./use-conversation.ts";

interface ConversationViewProps {
  readonly id: string;
  readonly isNew: boolean;
  /** The message to show, where one was looked for. */
  readonly target: string | null;
  readonly sessions: ChatSessions;
  /** See `ChatView`. */
  readonly onDraft: (title: string | null) => void;
  /** See `ChatView`. */
  readonly onStarted: () => void;
  readonly onStartNew: () => void;
}

/** One conversation, from opening it to every way in which that can go wrong. */
export function ConversationView(props: ConversationViewProps) {
  const { state, reload } = useConversation(props.id, props.isNew, props.sessions);
  switch (state.status) {
    case "loading":
      return <TranscriptSkeleton />;
    case "missing":
      return <MissingConversation onStartNew={props.onStartNew} />;
    case "unreachable":
      return <UnreachableServer detail={state.detail} onRetry={reload} />;
    case "open":
      return (
        <ChatView
          session={state.session}
          target={props.target}
          onDraft={props.onDraft}
          onStarted={props.onStarted}
          onReload={reload}
        />
      );
  }
}
