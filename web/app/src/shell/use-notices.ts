import { useCallback, useState } from "react";

/** A short word to the reader, with something to do about it or without. */
export interface Notice {
  readonly id: number;
  readonly text: string;
  readonly tone: "plain" | "danger";
  readonly action: { readonly label: string; readonly run: () => void } | null;
}

export interface Notices {
  readonly all: readonly Notice[];
  readonly show: (notice: Partial<Notice> & Pick<Notice, "text">) => void;
  readonly dismiss: (id: number) => void;
}

/** More than this would cover what they speak of; the oldest goes. */
const MOST = 3;

/** The notices that are shown now, oldest first. */
export function useNotices(): Notices {
  const [state, setState] = useState<{ readonly next: number; readonly all: readonly Notice[] }>({
    next: 1,
    all: [],
  });
  const show = useCallback(
    (notice: Partial<Notice> & Pick<Notice, "text">) =>
      setState(({ next, all }) => ({
        next: next + 1,
        all: [...all, { tone: "plain", action: null, ...notice, id: next } as const].slice(-MOST),
      })),
    [],
  );
  const dismiss = useCallback(
    (id: number) =>
      setState(({ next, all }) => ({ next, all: all.filter((notice) => notice.id !== id) })),
    [],
  );
  return { all: state.all, show, dismiss };
}
