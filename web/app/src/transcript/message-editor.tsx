import {
  type KeyboardEvent,
  type SubmitEvent,
  use,
  useEffect,
  useId,
  useRef,
  useState,
} from "react";
import { MessageField } from "../shell/message-field.tsx";
import { replacedBy } from "./replaced.ts";
import { RevisionsContext } from "./revisions.ts";

interface MessageEditorProps {
  readonly messageId: string;
  readonly text: string;
  /** Whether the message may be sent without a word: it has pictures. */
  readonly mayBeEmpty: boolean;
  readonly onClose: () => void;
}

/** One of the reader's messages as it is written anew: Enter sends, Escape leaves it as it was. */
export function MessageEditor({ messageId, text, mayBeEmpty, onClose }: MessageEditorProps) {
  const { busy, resend, followedBy } = use(RevisionsContext);
  const [draft, setDraft] = useState(text);
  const fieldRef = useRef<HTMLTextAreaElement>(null);
  const noteId = useId();
  const canSend = !busy && (mayBeEmpty || draft.trim() !== "");

  useEffect(() => {
    const field = fieldRef.current;
    field?.focus();
    field?.setSelectionRange(field.value.length, field.value.length);
  }, []);

  const send = () => {
    if (canSend) {
      onClose();
      resend(messageId, draft.trim());
    }
  };
  const onSubmit = (event: SubmitEvent) => {
    event.preventDefault();
    send();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // With an input method, Escape takes back what is being composed.
    if (event.key === "Escape" && !event.nativeEvent.isComposing) {
      event.stopPropagation();
      onClose();
    }
  };
  return (
    // biome-ignore lint/a11y/noNoninteractiveElementInteractions: Escape, wherever in it the focus is
    <form
      className="message-editor"
      data-testid="message-editor"
      onSubmit={onSubmit}
      onKeyDown={onKeyDown}
    >
      <MessageField
        fieldRef={fieldRef}
        text={draft}
        onText={setDraft}
        onSubmit={send}
        aria-label="Edit your message"
        aria-describedby={noteId}
        data-testid="editor-input"
      />
      <div className="message-editor-row">
        <p id={noteId}>{replacedBy(followedBy(messageId))}</p>
        <button type="button" className="button" onClick={onClose}>
          Cancel
        </button>
        <button type="submit" className="button button-primary" disabled={!canSend}>
          Send
        </button>
      </div>
    </form>
  );
}
