import type { UIMessage } from "ai";
import { type ReactNode, useCallback, useLayoutEffect, useState } from "react";
import type { EarlierMessages } from "../chat/earlier-messages.ts";
import { ArrowDownIcon } from "../shell/icons.tsx";
import { PictureViewer } from "../viewer/picture-viewer.tsx";
import { AssistantMessage, Thinking } from "./assistant-message.tsx";
import { Earlier } from "./earlier.tsx";
import { useKeepPlace } from "./use-keep-place.ts";
import { useMessageWindow } from "./use-message-window.ts";
import { useStickToBottom } from "./use-stick-to-bottom.ts";
import { useTarget } from "./use-target.ts";
import { UserMessage } from "./user-message.tsx";

export interface TranscriptProps {
  readonly messages: readonly UIMessage[];
  /** What was said before the first of the messages. */
  readonly earlier: EarlierMessages;
  /** The message to show, where one was looked for. */
  readonly target: string | null;
  readonly busy: boolean;
  /** Shown after the last message: how the last turn went wrong, if it did. */
  readonly notice: ReactNode;
}

/** The conversation so far; its pictures can be looked at. */
export function Transcript(props: TranscriptProps) {
  return (
    <PictureViewer messages={props.messages}>
      <Messages {...props} />
    </PictureViewer>
  );
}

/** Follows its own end as it grows. */
function Messages({ messages, earlier, target, busy, notice }: TranscriptProps) {
  const { viewportRef, contentRef, atBottom, scrollToBottom, follow, letGo } = useStickToBottom();
  const last = messages.at(-1);
  const lastSent = messages.findLast(({ role }) => role === "user")?.id;

  // A reader who sends a message wants to see what comes of it, wherever they were.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the message sent is the reason to scroll
  useLayoutEffect(follow, [follow, lastSent]);
  const ids = useIds(messages);
  const { listRef, segments, heightOf, reveal } = useMessageWindow(viewportRef, ids);
  const letGoOfPlace = useKeepPlace(viewportRef, contentRef, segments);
  const turnTo = useCallback(
    (id: string) => {
      letGo();
      letGoOfPlace();
      reveal(id);
    },
    [letGo, letGoOfPlace, reveal],
  );
  const isLoaded = target !== null && ids.includes(target);
  const isLooking = useTarget(viewportRef, { id: target, isLoaded, earlier }, turnTo);

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
        <div className="transcript-content" ref={contentRef} aria-busy={isLooking}>
          <Earlier earlier={earlier} viewportRef={viewportRef} />
          <div className="transcript-messages" ref={listRef}>
            {segments.map((segment) => {
              if (segment.kind === "gap") {
                // Named after what follows, so that no element ever changes its place among the others.
                const key = `before ${ids[segment.to] ?? ""}`;
                return <div key={key} style={{ blockSize: heightOf(segment) }} />;
              }
              const message = messages[segment.index];
              if (message === undefined) {
                return null;
              }
              return message.role === "user" ? (
                <UserMessage key={message.id} message={message} />
              ) : (
                <AssistantMessage
                  key={message.id}
                  message={message}
                  active={busy && message === last}
                />
              );
            })}
          </div>
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

/** The messages' ids: the same array for as long as they are the same, while the last message grows. */
function useIds(messages: readonly UIMessage[]): readonly string[] {
  const [ids, setIds] = useState(() => messages.map(({ id }) => id));
  const isSame = ids.length === messages.length && ids.every((id, at) => id === messages[at]?.id);
  if (isSame) {
    return ids;
  }
  const changed = messages.map(({ id }) => id);
  setIds(changed);
  return changed;
}
