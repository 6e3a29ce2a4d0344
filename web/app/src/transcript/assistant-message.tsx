import { isToolUIPart, type UIMessage } from "ai";
import { boxSizes, type MediaReference } from "coatcheck";
import { ImageGenerationWidget } from "coatcheck/react";
import { memo, use, useRef } from "react";
import { OpenPictureContext } from "../viewer/open-picture.ts";
import { Markdown } from "./markdown.tsx";
import { MessageActions } from "./message-actions.tsx";
import { textOf } from "./message-text.ts";
import { viewPart } from "./part-view.ts";
import { RegenerateAction, RegenerateQuestion } from "./regenerate-action.tsx";
import { RevisionsContext } from "./revisions.ts";
import { Ticket } from "./ticket.tsx";
import { useReturningFocus } from "./use-returning-focus.ts";

interface AssistantMessageProps {
  readonly message: UIMessage;
  /** Whether the message is still being written. */
  readonly active: boolean;
}

/** An answer: its text and its pictures in the order in which they came. */
export const AssistantMessage = memo(function AssistantMessageView({
  message,
  active,
}: AssistantMessageProps) {
  const ref = useRef<HTMLElement>(null);
  const question = useReturningFocus(ref, '[data-testid="regenerate"]');
  const { busy, regenerate, followedBy } = use(RevisionsContext);
  const { id } = message;
  const tryAgain = () => (followedBy(id) === 0 ? regenerate(id) : question.open());
  return (
    <article
      ref={ref}
      className="message message-assistant"
      data-testid="message-assistant"
      data-message-id={id}
      data-in-use={question.isOpen}
    >
      <h2 className="visually-hidden">Coatcheck said</h2>
      {message.parts.map((_, index) => (
        <Part
          // biome-ignore lint/suspicious/noArrayIndexKey: parts are only ever appended, and text parts have no id
          key={index}
          parts={message.parts}
          index={index}
          active={active}
          onRetry={busy ? undefined : tryAgain}
        />
      ))}
      {active && !hasVisiblePart(message) && <Thinking />}
      {question.isOpen ? (
        <RegenerateQuestion messageId={id} onClose={question.close} />
      ) : (
        !active && (
          <MessageActions text={textOf(message)}>
            <RegenerateAction onPress={tryAgain} />
          </MessageActions>
        )
      )}
    </article>
  );
});

/** Shown from the moment a message is sent until there is something of the answer to see. */
export function Thinking() {
  return (
    <p className="thinking" role="status">
      <span className="visually-hidden">Thinking…</span>
      <span className="thinking-dot" />
      <span className="thinking-dot" />
      <span className="thinking-dot" />
    </p>
  );
}

interface PartProps {
  readonly parts: UIMessage["parts"];
  readonly index: number;
  readonly active: boolean;
  readonly onRetry: (() => void) | undefined;
}

function Part({ parts, index, active, onRetry }: PartProps) {
  const openPicture = use(OpenPictureContext);
  const view = viewPart(parts, index);
  switch (view?.kind) {
    case "text":
      return <Markdown text={view.text} />;
    case "picture":
      return (
        <ImageGenerationWidget
          toolCall={view.toolCall}
          part={view.part}
          active={active}
          priority={active}
          sizes={sizesOf}
          onOpen={openPicture}
          footer={(reference) => <Ticket reference={reference} />}
          {...(onRetry === undefined ? {} : { onRetry })}
        />
      );
    case "working":
      return active ? (
        <p className="tool-working" role="status">
          {TOOL_ACTIVITY.get(view.tool) ?? "Working…"}
        </p>
      ) : null;
    default:
      return null;
  }
}

/** As the style sheet has it: `--column` and `--coat-max-block-size` in `tokens.css`. */
const LIMITS = { inlineSize: "46rem", blockSize: "min(32rem, 48svh)" };

function sizesOf(reference: MediaReference): string {
  return boxSizes(reference, "eager", LIMITS);
}

const TOOL_ACTIVITY = new Map([
  ["generate_image", "Picking up the brushes…"],
  ["edit_image", "Mixing the colours…"],
  ["view_media", "Taking a look…"],
  ["show_media", "Fetching the picture…"],
  ["list_media", "Leafing through the pictures…"],
  ["plot", "Sharpening the pencil…"],
]);

function hasVisiblePart({ parts }: UIMessage): boolean {
  return parts.some(
    (part) =>
      (part.type === "text" && part.text !== "") ||
      part.type === "data-media" ||
      isToolUIPart(part),
  );
}
