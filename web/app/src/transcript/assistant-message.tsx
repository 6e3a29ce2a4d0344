import { isToolUIPart, type UIMessage } from "ai";
import { MediaPart } from "coatcheck/react";
import { memo } from "react";
import { drawingBehind, viewToolCall } from "./drawing.ts";
import { Markdown } from "./markdown.tsx";
import { PictureCaption } from "./picture-caption.tsx";

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
  return (
    <article
      className="message message-assistant"
      data-testid="message-assistant"
      data-message-id={message.id}
    >
      <h2 className="visually-hidden">Coatcheck said</h2>
      {message.parts.map((_, index) => (
        <Part
          // biome-ignore lint/suspicious/noArrayIndexKey: parts are only ever appended, and text parts have no id
          key={index}
          parts={message.parts}
          index={index}
          active={active}
        />
      ))}
      {active && !hasVisiblePart(message) && <Thinking />}
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
}

function Part({ parts, index, active }: PartProps) {
  const part = parts[index];
  if (part === undefined) {
    return null;
  }
  if (part.type === "text") {
    return part.text === "" ? null : <Markdown text={part.text} />;
  }
  if (part.type === "data-media" && "data" in part) {
    return (
      <MediaPart
        data={part.data}
        active={active}
        priority={active}
        caption={(reference) => (
          <PictureCaption reference={reference} drawing={drawingBehind(parts, index)} />
        )}
      />
    );
  }
  return <ToolCall parts={parts} index={index} active={active} />;
}

function ToolCall({ parts, index, active }: PartProps) {
  const view = viewToolCall(parts, index);
  switch (view.kind) {
    case "working":
      return active ? (
        <p className="tool-working" role="status">
          {TOOL_ACTIVITY.get(view.tool) ?? "Working…"}
        </p>
      ) : null;
    case "failed":
      return (
        <MediaPart
          data={{ state: "failed", error: { code: "tool_failed", message: view.message } }}
        />
      );
    case "media":
      return <MediaPart data={{ state: "ready", reference: view.reference }} />;
    case "nothing":
      return null;
  }
}

const TOOL_ACTIVITY = new Map([
  ["generate_image", "Picking up the brushes…"],
  ["edit_image", "Mixing the colours…"],
  ["view_media", "Taking a look…"],
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
