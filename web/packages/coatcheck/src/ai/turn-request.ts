import type { UIMessage } from "ai";
import type { ClientFrame, TurnStart } from "./frames.ts";
import { ChatTransportError } from "./transport-error.ts";

/** What asks for a turn, and how to know the turn when it begins. */
export interface TurnRequest {
  readonly frame: ClientFrame;
  readonly isFor: (start: TurnStart) => boolean;
}

/** The request for an answer to the last message, which must be the user's. */
export function requestFor(
  trigger: TurnStart["trigger"],
  conversationId: string,
  messages: readonly UIMessage[],
): TurnRequest {
  const message = messages.at(-1);
  if (message?.role !== "user") {
    throw new ChatTransportError("unsupported", "There is no message of the user to answer.");
  }
  const frame: ClientFrame =
    trigger === "submit-message"
      ? { type: "message-send", conversationId, message }
      : { type: "message-regenerate", conversationId, messageId: message.id };
  return {
    frame,
    isFor: (start) => start.trigger === trigger && start.messageId === message.id,
  };
}
