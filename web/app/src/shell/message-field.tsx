import {
  type ChangeEvent,
  type ComponentProps,
  type KeyboardEvent,
  type RefObject,
  useLayoutEffect,
} from "react";

interface MessageFieldProps extends Omit<ComponentProps<"textarea">, "value" | "onChange" | "ref"> {
  readonly fieldRef: RefObject<HTMLTextAreaElement | null>;
  readonly text: string;
  readonly onText: (text: string) => void;
  readonly onSubmit: () => void;
}

const SIZES_ITSELF = typeof CSS !== "undefined" && CSS.supports("field-sizing", "content");

/** A text field as high as its text. Enter submits, Shift+Enter breaks the line. */
export function MessageField({ fieldRef, text, onText, onSubmit, ...rest }: MessageFieldProps) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows from the text
  useLayoutEffect(() => {
    const field = fieldRef.current;
    // Where the style sheet sizes the field, nothing has to be laid out before it is painted.
    if (field !== null && !SIZES_ITSELF) {
      field.style.blockSize = "auto";
      field.style.blockSize = `${field.scrollHeight}px`;
    }
  }, [fieldRef, text]);
  const onKeyDown = (event: KeyboardEvent) => {
    // While an input method composes a character, Enter chooses it.
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      onSubmit();
    }
  };
  return (
    <textarea
      {...rest}
      ref={fieldRef}
      rows={1}
      value={text}
      onChange={(event: ChangeEvent<HTMLTextAreaElement>) => onText(event.target.value)}
      onKeyDown={onKeyDown}
    />
  );
}
