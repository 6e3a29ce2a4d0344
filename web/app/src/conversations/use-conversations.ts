import { useState } from "react";
import type { ConversationSummary } from "./api.ts";
import { type ConversationPages, useConversationPages } from "./use-conversation-pages.ts";

export interface ConversationList extends ConversationPages {
  /** Shows a conversation ahead of the server's own entry for it; null takes it back. */
  readonly setDraft: (draft: ConversationSummary | null) => void;
}

/** The conversation list, read when the page opens and whenever `refresh` is called. */
export function useConversations(): ConversationList {
  const pages = useConversationPages("");
  const [draft, setDraft] = useState<ConversationSummary | null>(null);
  const conversations =
    draft === null || pages.conversations.some(({ id }) => id === draft.id)
      ? pages.conversations
      : [draft, ...pages.conversations];
  return { ...pages, conversations, setDraft };
}
