import { useEffect, useState } from "react";
import { CloseIcon } from "./icons.tsx";
import type { Notice, Notices } from "./use-notices.ts";

/** Long enough to read, notice a mistake and find the button. */
const SHOWN_MS = 12_000;

/** Notices at the end of the sidebar; each goes by itself, but not while the reader is at it. */
export function NoticeList({ notices }: { readonly notices: Notices }) {
  return (
    <div className="notices" role="status" aria-live="polite">
      {notices.all.map((notice) => (
        <NoticeView key={notice.id} notice={notice} onDismiss={notices.dismiss} />
      ))}
    </div>
  );
}

interface NoticeViewProps {
  readonly notice: Notice;
  readonly onDismiss: (id: number) => void;
}

function NoticeView({ notice: { id, text, tone, action }, onDismiss }: NoticeViewProps) {
  const [isHeld, setHeld] = useState(false);
  useEffect(() => {
    if (isHeld) {
      return;
    }
    const timer = setTimeout(() => onDismiss(id), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [id, isHeld, onDismiss]);
  const hold = () => setHeld(true);
  const release = () => setHeld(false);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only keeps what is looked at from going
    // biome-ignore lint/a11y/noNoninteractiveElementInteractions: likewise
    <div
      className="notice"
      data-testid="notice"
      data-tone={tone}
      onPointerEnter={hold}
      onPointerLeave={release}
      onFocus={hold}
      onBlur={release}
    >
      <p>{text}</p>
      {action !== null && (
        <button
          type="button"
          className="text-button"
          onClick={() => {
            onDismiss(id);
            action.run();
          }}
        >
          {action.label}
        </button>
      )}
      <button
        type="button"
        className="icon-button icon-button-small"
        aria-label="Dismiss"
        onClick={() => onDismiss(id)}
      >
        <CloseIcon />
      </button>
    </div>
  );
}
