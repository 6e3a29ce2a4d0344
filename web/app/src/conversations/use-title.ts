import { useEffect, useState } from "react";
import { fetchConversation } from "./api.ts";
import type { ConversationList } from "./use-conversations.ts";

/** The name of the open conversation, also of one that the list has not come to yet. */
export function useTitle(id: string, isNew: boolean, list: ConversationList): string | null {
  const [asked, setAsked] = useState<{ readonly id: string; readonly title: string } | null>(null);
  const listed = list.conversations.find((conversation) => conversation.id === id)?.title ?? null;
  const isMissing = !isNew && listed === null && list.status === "ready";

  useEffect(() => {
    if (!isMissing) {
      return;
    }
    const aborter = new AbortController();
    fetchConversation(id, aborter.signal).then(
      ({ title }) => setAsked({ id, title }),
      // The conversation itself tells that it cannot be read.
      () => undefined,
    );
    return () => aborter.abort();
  }, [id, isMissing]);

  return listed ?? (asked?.id === id && isMissing ? asked.title : null);
}
