import type { UIMessage } from "ai";
import { type ReactNode, useEffect } from "react";
import { ArrowDownIcon } from "../shell/icons.tsx";
import { AssistantMessage, Thinking } from "./assistant-message.tsx";
import { useStickToBottom } from "./use-stick-to-bottom.ts";
import { UserMessage } from "./user-message.tsx";

interface TranscriptProps {
  readonly messages: readonly UIMessage[];
  readonly busy: boolean;
  /** Shown after the last message: how the last turn went wrong, if it did. */
  readonly notice: ReactNode;
}

/** The conversation so far, following its own end as it grows. */
export function Transcript({ messages, busy, notice }: TranscriptProps) {
  const { viewportRef, contentRef, atBottom, scrollToBottom } = useStickToBottom();
  const last = messages.at(-1);
  const lastSent = messages.findLast(({ role }) => role === "user")?.id;

  // A reader who sends a message wants to see what comes of it, wherever they were.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the message sent is the reason to scroll
  useEffect(scrollToBottom, [scrollToBottom, lastSent]);

  return (
    <div className="transcript">
      <div
        className="transcript-viewport"
        ref={viewportRef}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
        tabIndex={0}
        role="log"
        aria-label="Messages"
        aria-live="off"
      >
        <div className="transcript-content" ref={contentRef}>
          {messages.map((message) =>
            message.role === "user" ? (
              <UserMessage key={message.id} message={message} />
            ) : (
              <AssistantMessage
                key={message.id}
                message={message}
                active={busy && message === last}
              />
            ),
          )}
          {busy && last?.role === "user" && <Thinking />}
          {notice}
        </div>
      </div>
      {!atBottom && (
        <button type="button" className="to-latest" onClick={scrollToBottom}>
          <ArrowDownIcon />
          Latest
        </button>
      )}
    </div>
  );
}
