import { type RefObject, useCallback, useEffect, useRef, useState } from "react";

interface Opening {
  readonly isOpen: boolean;
  readonly open: () => void;
  readonly close: () => void;
}

/** Something that takes a button's place for a while; the button has the focus again afterwards. */
export function useReturningFocus(
  areaRef: RefObject<HTMLElement | null>,
  buttonSelector: string,
): Opening {
  const [isOpen, setOpen] = useState(false);
  const hadFocus = useRef(false);
  const open = useCallback(() => setOpen(true), []);
  const close = useCallback(() => {
    hadFocus.current = areaRef.current?.contains(document.activeElement) === true;
    setOpen(false);
  }, [areaRef]);
  useEffect(() => {
    if (!isOpen && hadFocus.current) {
      hadFocus.current = false;
      // The handler that closed it may have moved the focus already.
      if (document.activeElement === document.body) {
        areaRef.current?.querySelector<HTMLElement>(buttonSelector)?.focus({ preventScroll: true });
      }
    }
  }, [areaRef, buttonSelector, isOpen]);
  return { isOpen, open, close };
}
