import { useEffect, useMemo, useState, useSyncExternalStore } from "react";
import type { MediaReference } from "../core/reference.ts";
import { type UploadItem, UploadQueue, type UploadQueueOptions } from "../core/upload-queue.ts";

/** Files that are being handed in, and what can be done with them. */
export interface Uploads {
  /** The files and their states, in the order in which they were chosen. */
  readonly items: readonly UploadItem[];
  /** Whether something is still on its way. */
  readonly isBusy: boolean;
  /** Adds files and begins to send them. */
  readonly add: (files: Iterable<File>) => void;
  /** Stops one that is on its way. */
  readonly cancel: (id: string) => void;
  /** Sends a failed one again. */
  readonly retry: (id: string) => void;
  /** Takes one out of the list. */
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
