import {
  type ChangeEvent,
  type KeyboardEvent,
  type RefObject,
  type SubmitEvent,
  useId,
  useLayoutEffect,
  useState,
} from "react";
import { SendIcon, StopIcon } from "../shell/icons.tsx";

interface ComposerProps {
  /** The text field, for whoever has a reason to move the focus there. */
  readonly inputRef: RefObject<HTMLTextAreaElement | null>;
  /** Whether an answer is being written; sending then waits, stopping is offered. */
  readonly busy: boolean;
  readonly onSend: (text: string) => void;
  readonly onStop: () => void;
}

/** The message box: Enter sends, Shift+Enter breaks the line, and it grows with the text. */
export function Composer({ inputRef, busy, onSend, onStop }: ComposerProps) {
  const [text, setText] = useState("");
  const hintId = useId();
  const canSend = !busy && text.trim() !== "";

  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows from the text
  useLayoutEffect(() => {
    const input = inputRef.current;
    if (input !== null) {
      input.style.blockSize = "auto";
      input.style.blockSize = `${input.scrollHeight}px`;
    }
  }, [inputRef, text]);

  const submit = () => {
    if (canSend) {
      onSend(text.trim());
      setText("");
    }
  };
  const onSubmit = (event: SubmitEvent) => {
    event.preventDefault();
    submit();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // While an input method composes a character, Enter chooses it.
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      submit();
    }
  };

  return (
    <form className="composer" onSubmit={onSubmit}>
      <div className="composer-box">
        <textarea
          ref={inputRef}
          data-testid="composer-input"
          rows={1}
          value={text}
          placeholder="Ask for a picture…"
          aria-label="Message"
          aria-describedby={hintId}
          onChange={(event: ChangeEvent<HTMLTextAreaElement>) => setText(event.target.value)}
          onKeyDown={onKeyDown}
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
      <p className="composer-hint" id={hintId}>
        <kbd>Enter</kbd> sends, <kbd>Shift</kbd> + <kbd>Enter</kbd> starts a new line
      </p>
    </form>
  );
}
