import type { Chat, useChat } from "@ai-sdk/react";
import type { UIMessage } from "ai";
import { useMemo } from "react";
import type { Revisions } from "../transcript/revisions.ts";
import { editedMessage } from "./user-message.ts";

type Senders = Pick<ReturnType<typeof useChat>, "sendMessage" | "regenerate">;

/** Goes back in a conversation, over the chat's own ways of doing so. */
export function useRevisions(
  chat: Chat<UIMessage>,
  { sendMessage, regenerate }: Senders,
  busy: boolean,
  /** The button that was pressed goes away with what it replaced. */
  focusInput: () => void,
): Revisions {
  return useMemo(() => {
    const indexOf = (wanted: string) => chat.messages.findIndex(({ id }) => id === wanted);
    return {
      busy,
      regenerate: (messageId) => {
        void regenerate({ messageId });
        focusInput();
      },
      resend: (messageId, text) => {
        const message = chat.messages[indexOf(messageId)];
        if (message !== undefined) {
          void sendMessage({ ...editedMessage(message, text), messageId });
          focusInput();
        }
      },
      followedBy: (messageId) => Math.max(0, chat.messages.length - indexOf(messageId) - 1),
    };
  }, [chat, sendMessage, regenerate, busy, focusInput]);
}
