import { type KeyboardEvent, use, useEffect, useRef } from "react";
import { RetryIcon } from "../shell/icons.tsx";
import { ActionButton } from "./message-actions.tsx";
import { replacedBy } from "./replaced.ts";
import { RevisionsContext } from "./revisions.ts";

/** The button that has an answer given once more. */
export function RegenerateAction({ onPress }: { readonly onPress: () => void }) {
  const { busy } = use(RevisionsContext);
  return (
    <ActionButton
      label="Try this answer again"
      icon={<RetryIcon />}
      testId="regenerate"
      disabled={busy}
      onPress={onPress}
    />
  );
}

interface RegenerateQuestionProps {
  readonly messageId: string;
  readonly onClose: () => void;
}

/** Asked before messages that follow an answer are given up for another one. */
export function RegenerateQuestion({ messageId, onClose }: RegenerateQuestionProps) {
  const { busy, regenerate, followedBy } = use(RevisionsContext);
  const buttonRef = useRef<HTMLButtonElement>(null);
  useEffect(() => buttonRef.current?.focus(), []);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      onClose();
    }
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for a form
    // biome-ignore lint/a11y/noNoninteractiveElementInteractions: Escape, wherever in it the focus is
    <div
      className="regenerate-question"
      role="group"
      aria-label="Try this answer again?"
      data-testid="regenerate-question"
      onKeyDown={onKeyDown}
    >
      <p role="status">{replacedBy(followedBy(messageId))}</p>
      <button type="button" className="button" onClick={onClose}>
        Keep
      </button>
      <button
        ref={buttonRef}
        type="button"
        className="button button-primary"
        disabled={busy}
        onClick={() => {
          onClose();
          regenerate(messageId);
        }}
      >
        Replace
      </button>
    </div>
  );
}
