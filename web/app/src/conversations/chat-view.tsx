import { type Chat, useChat } from "@ai-sdk/react";
import type { UIMessage } from "ai";
import type { MediaReference } from "coatcheck";
import { useUploads } from "coatcheck/react";
import { useCallback, useEffect, useRef } from "react";
import { isBusy } from "../chat/busy.ts";
import { wasNotSent } from "../chat/not-sent.ts";
import type { Session } from "../chat/sessions.ts";
import { LaterTranscript } from "../transcript/later-transcript.tsx";
import { RevisionsContext } from "../transcript/revisions.ts";
import { afterNextPaint } from "./after-next-paint.ts";
import { discardMedia } from "./api.ts";
import { Composer } from "./composer.tsx";
import { EmptyState } from "./empty-state.tsx";
import { TurnError } from "./turn-error.tsx";
import { useFileDrop } from "./use-file-drop.ts";
import { useRevisions } from "./use-revisions.ts";
import { messageOf, titleOf } from "./user-message.ts";

/** Between two renders of a growing answer: often enough to read along, rarely enough to stay calm. */
const RENDER_INTERVAL_MS = 40;

interface ChatViewProps {
  readonly session: Session;
  /** The message to show, where one was looked for. */
  readonly target: string | null;
  /** A new conversation's first message was sent; null takes that back, for it never arrived. */
  readonly onDraft: (title: string | null) => void;
  /** The server has a new conversation's first message. */
  readonly onStarted: () => void;
  readonly onReload: () => void;
}

/** An open conversation: its messages, or suggestions for the first one, and the composer. */
export function ChatView({ session, target, onDraft, onStarted, onReload }: ChatViewProps) {
  const { chat, earlier } = session;
  const { messages, status, error, sendMessage, regenerate, setMessages, stop } = useChat({
    chat,
    throttle: RENDER_INTERVAL_MS,
  });
  const busy = isBusy({ status });
  const isFirst = messages.length === 0;

  // The server knows a new conversation once its first answer begins, even if it ends in an error.
  const awaitsFirstAnswer = useRef(isFirst);
  useEffect(() => {
    if (!awaitsFirstAnswer.current) {
      return;
    }
    if (status === "submitted") {
      onDraft(titleOf(chat.messages[0]));
    } else if (status === "error" && wasNotSent(error)) {
      onDraft(null);
    } else if (status !== "ready") {
      awaitsFirstAnswer.current = false;
      onStarted();
    }
  }, [chat, status, error, onDraft, onStarted]);

  // The element that had the focus goes away with the first message, and when an answer is stopped.
  const inputRef = useRef<HTMLTextAreaElement>(null);
  const focusInput = useCallback(() => {
    // A reader who types or chooses elsewhere while a conversation loads is not called away. On a
    // touch screen the focus would raise the keyboard over what the reader wants to see.
    const focused = document.activeElement;
    const isTaken = focused?.matches("input, [role=menu] *") === true;
    // To give the focus lays the page out, also where it is.
    if (!isTaken && focused !== inputRef.current && matchMedia("(pointer: fine)").matches) {
      inputRef.current?.focus();
    }
  }, []);
  // To focus lays the page out; after the first frame that has been done. A reader who has
  // moved the focus by then keeps it.
  useEffect(() => {
    const before = document.activeElement;
    return afterNextPaint(() => {
      if (document.activeElement === before) {
        focusInput();
      }
    });
  }, [focusInput]);

  const uploads = useUploads(UPLOADS);
  const isDropping = useFileDrop(uploads.add);
  const send = useCallback(
    (text: string, pictures: readonly MediaReference[] = []) => {
      void sendMessage(messageOf(text, pictures));
      focusInput();
    },
    [sendMessage, focusInput],
  );
  const stopAnswer = () => {
    void stop();
    focusInput();
  };

  const revisions = useRevisions(chat, { sendMessage, regenerate }, busy, focusInput);

  const sendAgain = useCallback(() => {
    const unsent = chat.messages.at(-1);
    if (unsent?.role === "user") {
      setMessages(chat.messages.slice(0, -1));
      void sendMessage(unsent);
    }
  }, [chat, setMessages, sendMessage]);

  return (
    <div className="chat" data-empty={isFirst}>
      {isDropping && <p className="drop-hint">Drop pictures to attach them</p>}
      {isFirst ? (
        <EmptyState onPick={send} />
      ) : (
        <RevisionsContext value={revisions}>
          <LaterTranscript
            messages={messages}
            earlier={earlier}
            target={target}
            busy={busy}
            notice={
              error !== undefined && (
                <TurnError error={error} onSendAgain={sendAgain} onReload={onReload} />
              )
            }
          />
        </RevisionsContext>
      )}
      <Composer
        inputRef={inputRef}
        busy={busy}
        uploads={uploads}
        onSend={send}
        onStop={stopAnswer}
      />
      <p className="visually-hidden" role="status">
        {announcement(status, isFirst)}
      </p>
    </div>
  );
}

/** What was uploaded and is not sent is not wanted on the server either. */
const UPLOADS = { onDiscard: ({ id }: MediaReference) => discardMedia(id) };

/** Spoken instead of the growing text itself, which would be read out word by word. */
function announcement(status: Chat<UIMessage>["status"], isFirst: boolean): string {
  if (isFirst || status === "error") {
    return "";
  }
  return status === "ready" ? "The answer is complete." : "An answer is being written.";
}
