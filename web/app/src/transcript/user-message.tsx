import type { UIMessage } from "ai";
import { boxSizes, type MediaReference } from "coatcheck";
import { MediaPart } from "coatcheck/react";
import { memo, use, useRef } from "react";
import { PencilIcon } from "../shell/icons.tsx";
import { ActionButton, MessageActions } from "./message-actions.tsx";
import { MessageEditor } from "./message-editor.tsx";
import { textOf } from "./message-text.ts";
import { RevisionsContext } from "./revisions.ts";
import { useReturningFocus } from "./use-returning-focus.ts";

/** What the reader wrote, shown as written, and the pictures that came along. */
export const UserMessage = memo(function UserMessageView({
  message,
}: {
  readonly message: UIMessage;
}) {
  const ref = useRef<HTMLElement>(null);
  const editor = useReturningFocus(ref, '[data-testid="edit"]');
  const text = textOf(message);
  const media = message.parts.flatMap((part, index) =>
    part.type === "data-media" && "data" in part
      ? // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a message that was sent never move
        [<MediaPart key={index} data={part.data} active={false} sizes={sizesOf} />]
      : [],
  );
  return (
    <article
      ref={ref}
      className="message message-user"
      data-testid="message-user"
      data-message-id={message.id}
      data-in-use={editor.isOpen}
    >
      <h2 className="visually-hidden">You said</h2>
      {media.length > 0 && <div className="message-pictures">{media}</div>}
      {editor.isOpen ? (
        <MessageEditor
          messageId={message.id}
          text={text}
          mayBeEmpty={media.length > 0}
          onClose={editor.close}
        />
      ) : (
        <>
          {text !== "" && <p>{text}</p>}
          <MessageActions text={text}>
            <EditAction onPress={editor.open} />
          </MessageActions>
        </>
      )}
    </article>
  );
});

/** As the style sheet has it: `.message-pictures` in `transcript.css`. */
const LIMITS = { inlineSize: "34rem", blockSize: "min(14rem, 30svh)" };

function sizesOf(reference: MediaReference): string {
  return boxSizes(reference, "lazy", LIMITS);
}

function EditAction({ onPress }: { readonly onPress: () => void }) {
  const { busy } = use(RevisionsContext);
  return (
    <ActionButton
      label="Edit"
      icon={<PencilIcon />}
      testId="edit"
      disabled={busy}
      onPress={onPress}
    />
  );
}
