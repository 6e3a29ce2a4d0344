import type { UIMessage } from "ai";
import { memo } from "react";

/** What the reader wrote, shown as written. */
export const UserMessage = memo(function UserMessageView({
  message,
}: {
  readonly message: UIMessage;
}) {
  const text = message.parts
    .map((part) => (part.type === "text" ? part.text : ""))
    .filter((line) => line !== "")
    .join("\n\n");
  return (
    <article className="message message-user" data-testid="message-user">
      <h2 className="visually-hidden">You said</h2>
      <p>{text}</p>
    </article>
  );
});
