import type { Chat } from "@ai-sdk/react";
import type { UIMessage } from "ai";
import { useCallback, useEffect, useState } from "react";
import type { ChatSessions } from "../chat/sessions.ts";
import { ApiError, fetchHistory } from "./api.ts";

export type ConversationState =
  | { readonly status: "loading" }
  | { readonly status: "open"; readonly chat: Chat<UIMessage> }
  | { readonly status: "missing" }
  | { readonly status: "unreachable"; readonly detail: string };

interface Conversation {
  readonly state: ConversationState;
  /** Reads the conversation from the server again; it has the truth when a stream broke off. */
  readonly reload: () => void;
}

/**
 * Opens a conversation: at once when it is new or still held open, otherwise with its messages from
 * the server.
 */
export function useConversation(id: string, isNew: boolean, sessions: ChatSessions): Conversation {
  const [state, setState] = useState<ConversationState>(() => {
    const held = sessions.get(id) ?? (isNew ? sessions.startNew(id) : null);
    return held === null ? { status: "loading" } : { status: "open", chat: held };
  });
  const isLoading = state.status === "loading";

  useEffect(() => sessions.show(id), [sessions, id]);

  useEffect(() => {
    if (!isLoading) {
      return;
    }
    const aborter = new AbortController();
    fetchHistory(id, aborter.signal).then(
      (history) => setState({ status: "open", chat: sessions.start(id, history) }),
      (error: unknown) => {
        if (aborter.signal.aborted) {
          return;
        }
        const isMissing = error instanceof ApiError && error.status === 404;
        setState(
          isMissing
            ? { status: "missing" }
            : { status: "unreachable", detail: error instanceof Error ? error.message : "" },
        );
      },
    );
    return () => aborter.abort();
  }, [isLoading, id, sessions]);

  const reload = useCallback(() => setState({ status: "loading" }), []);
  useEffect(() => sessions.onStale(id, reload), [sessions, id, reload]);
  return { state, reload };
}
