import { useCallback, useEffect, useState } from "react";
import type { ChatSessions, Session } from "../chat/sessions.ts";
import { richText } from "../shell/parts.ts";
import { transcript } from "../transcript/part.ts";
import { fetchMessages } from "./api.ts";
import { ApiError, messageOf } from "./http.ts";

export type ConversationState =
  | { readonly status: "loading" }
  | { readonly status: "open"; readonly session: Session }
  | { readonly status: "missing" }
  | { readonly status: "unreachable"; readonly detail: string };

interface Conversation {
  readonly state: ConversationState;
  /** Reads the conversation from the server again; it has the truth when a stream broke off. */
  readonly reload: () => void;
}

/**
 * Opens a conversation: at once when it is new or still held open, otherwise with its last messages
 * from the server.
 */
export function useConversation(id: string, isNew: boolean, sessions: ChatSessions): Conversation {
  const [state, setState] = useState<ConversationState>(() => {
    const held = sessions.get(id) ?? (isNew ? sessions.startNew(id) : null);
    return held === null ? { status: "loading" } : { status: "open", session: held };
  });
  const isLoading = state.status === "loading";

  useEffect(() => sessions.show(id), [sessions, id]);

  useEffect(() => {
    if (!isLoading) {
      return;
    }
    // Beside the messages, not after them. What fails here is asked for again by what shows it.
    for (const part of [transcript, richText]) {
      part.load().catch(() => undefined);
    }
    const aborter = new AbortController();
    fetchMessages(id, { signal: aborter.signal }).then(
      (page) => setState({ status: "open", session: sessions.start(id, page) }),
      (error: unknown) => {
        if (aborter.signal.aborted) {
          return;
        }
        const isMissing = error instanceof ApiError && error.status === 404;
        setState(
          isMissing ? { status: "missing" } : { status: "unreachable", detail: messageOf(error) },
        );
      },
    );
    return () => aborter.abort();
  }, [isLoading, id, sessions]);

  const reload = useCallback(() => setState({ status: "loading" }), []);
  useEffect(() => sessions.onStale(id, reload), [sessions, id, reload]);
  return { state, reload };
}
