import { useEffect, useMemo, useState, useSyncExternalStore } from "react";
import type { MediaReference } from "../core/reference.ts";
import { type UploadItem, UploadQueue, type UploadQueueOptions } from "../core/upload-queue.ts";

/** Files that are being handed in, and what can be done with them. */
export interface Uploads {
  readonly items: readonly UploadItem[];
  /** Whether something is still on its way. */
  readonly isBusy: boolean;
  readonly add: (files: Iterable<File>) => void;
  readonly cancel: (id: string) => void;
  readonly retry: (id: string) => void;
  readonly remove: (id: string) => void;
  /** Takes out what is ready, for a message. */
  readonly take: () => readonly MediaReference[];
}

/**
 * A queue of uploads that lives as long as the component: what was not taken by then is stopped and
 * discarded. The options of the first render are the ones that count.
 */
export function useUploads(options: UploadQueueOptions = {}): Uploads {
  const [queue] = useState(() => new UploadQueue(options));
  const items = useSyncExternalStore(queue.subscribe, () => queue.items, none);
  useEffect(() => () => queue.clear(), [queue]);
  const actions = useMemo(
    () => ({
      add: (files: Iterable<File>) => queue.add(files),
      cancel: (id: string) => queue.cancel(id),
      retry: (id: string) => queue.retry(id),
      remove: (id: string) => queue.remove(id),
      take: () => queue.take(),
    }),
    [queue],
  );
  const isBusy = items.some(
    ({ state }) => state.status === "waiting" || state.status === "sending",
  );
  return { items, isBusy, ...actions };
}

const NOTHING: readonly UploadItem[] = [];

/** What a server renders: nothing is on its way there. */
function none(): readonly UploadItem[] {
  return NOTHING;
}
