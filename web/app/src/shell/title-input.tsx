import { type FocusEvent, type KeyboardEvent, useCallback, useRef } from "react";

interface TitleInputProps {
  readonly title: string;
  /** Called once: with the new title, or null where nothing is to change. */
  readonly onDone: (title: string | null) => void;
}

/** A name being changed in its place: Enter and leaving keep it, Esc does not. */
export function TitleInput({ title, onDone }: TitleInputProps) {
  // The field goes away while it has the focus, and a browser tells of that as well.
  const isDone = useRef(false);
  const finish = (value: string | null) => {
    if (isDone.current) {
      return;
    }
    isDone.current = true;
    const wanted = value?.trim() ?? "";
    onDone(wanted === "" || wanted === title ? null : wanted);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key === "Enter" && !event.nativeEvent.isComposing) {
      event.preventDefault();
      finish(event.currentTarget.value);
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      finish(null);
    }
  };
  const selectAll = useCallback((input: HTMLInputElement | null) => {
    input?.focus();
    input?.select();
  }, []);
  return (
    <input
      ref={selectAll}
      type="text"
      className="title-input"
      data-testid="title-input"
      aria-label="Name of the conversation"
      maxLength={200}
      defaultValue={title}
      onKeyDown={onKeyDown}
      onBlur={(event: FocusEvent<HTMLInputElement>) => finish(event.target.value)}
    />
  );
}
