import type { MediaReference } from "coatcheck";
import type { Uploads } from "coatcheck/react";
import { type ClipboardEvent, type RefObject, type SubmitEvent, useId, useState } from "react";
import { SendIcon, StopIcon } from "../shell/icons.tsx";
import { MessageField } from "../shell/message-field.tsx";
import { AttachButton } from "./attach-button.tsx";
import { Attachments } from "./attachments.tsx";

interface ComposerProps {
  /** The text field, for components that move the focus there. */
  readonly inputRef: RefObject<HTMLTextAreaElement | null>;
  /** Whether an answer is being written; sending then waits, stopping is offered. */
  readonly busy: boolean;
  readonly uploads: Uploads;
  readonly onSend: (text: string, pictures: readonly MediaReference[]) => void;
  readonly onStop: () => void;
}

/** The message box: Enter sends, Shift+Enter breaks the line, and pictures can be put into it. */
export function Composer({ inputRef, busy, uploads, onSend, onStop }: ComposerProps) {
  const [text, setText] = useState("");
  const hintId = useId();
  const hasPictures = uploads.items.some(({ state }) => state.status === "ready");
  const canSend = !(busy || uploads.isBusy) && (text.trim() !== "" || hasPictures);

  const submit = () => {
    if (canSend) {
      onSend(text.trim(), uploads.take());
      setText("");
    }
  };
  const onSubmit = (event: SubmitEvent) => {
    event.preventDefault();
    submit();
  };
  const onPaste = (event: ClipboardEvent) => {
    const { files } = event.clipboardData;
    // Some programs copy a picture of the text along with the text: then the text is meant.
    if (files.length > 0 && event.clipboardData.getData("text/plain") === "") {
      event.preventDefault();
      uploads.add(files);
    }
  };

  return (
    <form className="composer" onSubmit={onSubmit}>
      <div className="composer-box">
        <Attachments uploads={uploads} />
        <div className="composer-row">
          <AttachButton onFiles={uploads.add} />
          <MessageField
            fieldRef={inputRef}
            data-testid="composer-input"
            text={text}
            placeholder="Ask for a picture…"
            aria-label="Message"
            aria-describedby={hintId}
            onText={setText}
            onSubmit={submit}
            onPaste={onPaste}
          />
          {busy ? (
            <button
              type="button"
              className="composer-action"
              data-testid="composer-stop"
              aria-label="Stop the answer"
              title="Stop"
              onClick={onStop}
            >
              <StopIcon />
            </button>
          ) : (
            <button
              type="submit"
              className="composer-action"
              data-testid="composer-send"
              aria-label="Send"
              title="Send"
              disabled={!canSend}
            >
              <SendIcon />
            </button>
          )}
        </div>
      </div>
      <p className="composer-hint" id={hintId}>
        <kbd>Enter</kbd> sends, <kbd>Shift</kbd> + <kbd>Enter</kbd> starts a new line; pictures can
        be pasted and dropped
      </p>
    </form>
  );
}
