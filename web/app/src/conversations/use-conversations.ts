import { useCallback, useEffect, useState } from "react";
import { type ConversationSummary, fetchConversations } from "./api.ts";

export interface ConversationList {
  /** `stale`: what was last known is shown, but the server does not answer. */
  readonly status: "loading" | "ready" | "stale";
  readonly conversations: readonly ConversationSummary[];
  readonly refresh: () => void;
  /** Shows a conversation ahead of the server's own entry for it; null takes it back. */
  readonly setDraft: (draft: ConversationSummary | null) => void;
}

/** The conversation list, read when the page opens and whenever `refresh` is called. */
export function useConversations(): ConversationList {
  const [generation, setGeneration] = useState(0);
  const [draft, setDraft] = useState<ConversationSummary | null>(null);
  const [state, setState] = useState<Pick<ConversationList, "status" | "conversations">>({
    status: "loading",
    conversations: [],
  });

  // biome-ignore lint/correctness/useExhaustiveDependencies: the generation is what asks for a new read
  useEffect(() => {
    const aborter = new AbortController();
    fetchConversations(aborter.signal).then(
      (fetched) => setState({ status: "ready", conversations: fetched }),
      () => {
        if (!aborter.signal.aborted) {
          setState((known) => ({ ...known, status: "stale" }));
        }
      },
    );
    return () => aborter.abort();
  }, [generation]);

  const refresh = useCallback(() => setGeneration((current) => current + 1), []);
  const conversations =
    draft === null || state.conversations.some(({ id }) => id === draft.id)
      ? state.conversations
      : [draft, ...state.conversations];
  return { status: state.status, conversations, refresh, setDraft };
}
