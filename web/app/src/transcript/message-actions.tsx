import { type ReactNode, useEffect, useState } from "react";
import { CopyIcon, DoneIcon } from "../shell/icons.tsx";

interface MessageActionsProps {
  /** The text that can be copied; without any there is no button for it. */
  readonly text: string;
  /** The buttons besides that. */
  readonly children?: ReactNode;
}

/** The row of buttons under a message. */
export function MessageActions({ text, children }: MessageActionsProps) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for a form
    <div className="message-actions" role="group" aria-label="Message actions">
      {text !== "" && <CopyButton text={text} />}
      {children}
    </div>
  );
}

interface ActionButtonProps {
  readonly label: string;
  readonly icon: ReactNode;
  readonly testId: string;
  readonly disabled?: boolean;
  readonly onPress: () => void;
}

/** One of them: an icon, and a word for everyone else. */
export function ActionButton({ label, icon, testId, disabled, onPress }: ActionButtonProps) {
  return (
    <button
      type="button"
      className="icon-button icon-button-small"
      aria-label={label}
      title={label}
      data-testid={testId}
      // Not `disabled`, which would take the focus from under a reader's fingers.
      aria-disabled={disabled}
      onClick={disabled === true ? undefined : onPress}
    >
      {icon}
    </button>
  );
}

/** How long the button says that it has done its work. */
const SAID_MS = 2000;

function CopyButton({ text }: { readonly text: string }) {
  const [said, setSaid] = useState<"" | "Copied" | "Could not be copied">("");
  useEffect(() => {
    const timer = said === "" ? undefined : setTimeout(() => setSaid(""), SAID_MS);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async () => {
    try {
      // There is no clipboard on a page that came over plain http from another machine.
      await navigator.clipboard.writeText(text);
      setSaid("Copied");
    } catch {
      setSaid("Could not be copied");
    }
  };
  return (
    <>
      <ActionButton
        label="Copy text"
        icon={said === "Copied" ? <DoneIcon /> : <CopyIcon />}
        testId="copy-text"
        onPress={copy}
      />
      <span className={said === "Could not be copied" ? "" : "visually-hidden"} role="status">
        {said}
      </span>
    </>
  );
}
