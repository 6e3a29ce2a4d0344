import type { UIMessage } from "ai";
import { MediaPart } from "coatcheck/react";
import { memo } from "react";

/** What the reader wrote, shown as written, and the pictures that came along. */
export const UserMessage = memo(function UserMessageView({
  message,
}: {
  readonly message: UIMessage;
}) {
  const text = message.parts
    .map((part) => (part.type === "text" ? part.text : ""))
    .filter((line) => line !== "")
    .join("\n\n");
  const media = message.parts.flatMap((part, index) =>
    part.type === "data-media" && "data" in part
      ? // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a message that was sent never move
        [<MediaPart key={index} data={part.data} active={false} />]
      : [],
  );
  return (
    <article
      className="message message-user"
      data-testid="message-user"
      data-message-id={message.id}
    >
      <h2 className="visually-hidden">You said</h2>
      {media.length > 0 && <div className="message-pictures">{media}</div>}
      {text !== "" && <p>{text}</p>}
    </article>
  );
});
