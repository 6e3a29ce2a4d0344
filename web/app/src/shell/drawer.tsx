import { type MouseEvent, type ReactNode, useEffect, useRef } from "react";

interface DrawerProps {
  readonly open: boolean;
  readonly label: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/**
 * A panel over the page. A modal `<dialog>` brings what a drawer needs: Esc closes it, the focus stays
 * inside and returns to where it was, and the page behind is inert.
 */
export function Drawer({ open, label, onClose, children }: DrawerProps) {
  const ref = useRef<HTMLDialogElement>(null);

  useEffect(() => {
    const dialog = ref.current;
    if (open && dialog?.open === false) {
      dialog.showModal();
    } else if (!open && dialog?.open === true) {
      dialog.close();
    }
  }, [open]);

  // A click on the backdrop arrives as one on the dialog itself; its content fills it without gaps.
  const closeFromBackdrop = (event: MouseEvent<HTMLDialogElement>) => {
    if (event.target === ref.current) {
      onClose();
    }
  };

  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Esc is the keyboard's way, and the dialog's own
    <dialog
      ref={ref}
      className="drawer"
      aria-label={label}
      onClose={onClose}
      onClick={closeFromBackdrop}
    >
      {children}
    </dialog>
  );
}
