import type { UIMessage } from "ai";

/** The words of a message. */
export function textOf({ parts }: UIMessage): string {
  return parts
    .map((part) => (part.type === "text" ? part.text : ""))
    .filter((text) => text !== "")
    .join("\n\n");
}
