import type { Chat } from "@ai-sdk/react";
import type { UIMessage } from "ai";

/** Whether an answer is on its way. */
export function isBusy({ status }: Pick<Chat<UIMessage>, "status">): boolean {
  return status === "submitted" || status === "streaming";
}
