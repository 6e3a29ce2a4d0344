import { formatBytes } from "./format-bytes.ts";
import type { MediaReference } from "./reference.ts";
import { UploadError, type UploadRequestConstructor, uploadFile } from "./upload.ts";

/** The life of a file on its way in. */
export type UploadState =
  | { readonly status: "waiting" }
  /** `progress` is 1 when all bytes are on their way and the server looks at them. */
  | { readonly status: "sending"; readonly progress: number }
  | { readonly status: "ready"; readonly reference: MediaReference }
  | { readonly status: "failed"; readonly error: UploadError };

/** One file of a queue. A new object with each change of its state. */
export interface UploadItem {
  readonly id: string;
  readonly file: File;
  readonly state: UploadState;
}

/** Options of {@link UploadQueue}. */
export interface UploadQueueOptions {
  /** Where files are sent; `/api/media/upload` by default. */
  readonly url?: string;
  /** Bytes of a file that are sent at all; the server has a limit of its own. */
  readonly maxBytes?: number;
  /** Files that one message takes; 10 by default. */
  readonly maxFiles?: number;
  /** What a file must be, as in an `<input>`: the beginning of its type; `image/` by default. */
  readonly accept?: string;
  /** Called with media that was taken in and is not wanted any more. */
  readonly onDiscard?: (reference: MediaReference) => void;
  /** Files that are sent at the same time; 3 by default. */
  readonly parallel?: number;
  // biome-ignore lint/style/useNamingConvention: it takes the place of the global of that name
  readonly XMLHttpRequest?: UploadRequestConstructor;
}

/**
 * Files that are being handed in, in the order in which they were chosen.
 *
 * Knows no framework: a view subscribes and reads `items`, which is a new array after each change.
 */
export class UploadQueue {
  readonly #options: UploadQueueOptions;
  readonly #listeners = new Set<() => void>();
  readonly #sending = new Map<string, AbortController>();
  #items: readonly UploadItem[] = [];
  #count = 0;

  constructor(options: UploadQueueOptions = {}) {
    this.#options = options;
  }

  /** The files and their states; another array after each change. */
  get items(): readonly UploadItem[] {
    return this.#items;
  }

  /** Calls the listener after each change; what it returns ends that. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Adds files. One that cannot be taken is in the list too, as failed, and says why. */
  add(files: Iterable<File>): void {
    for (const file of files) {
      this.#count += 1;
      const item: UploadItem = { id: `upload-${this.#count}`, file, state: { status: "waiting" } };
      this.#change([...this.#items, this.#admit(item)]);
    }
    this.#pump();
  }

  /** Stops sending a file; it stays in the list and can be tried again. */
  cancel(id: string): void {
    const item = this.#find(id);
    if (item?.state.status === "waiting") {
      this.#set(id, { status: "failed", error: new UploadError("cancelled", "Stopped.") });
    }
    this.#sending.get(id)?.abort();
  }

  /** Sends a file again that failed. */
  retry(id: string): void {
    const item = this.#find(id);
    if (item?.state.status === "failed" && item.state.error.canRetry) {
      this.#set(id, this.#admit({ ...item, state: { status: "waiting" } }).state);
      this.#pump();
    }
  }

  /** Takes a file out of the list, whatever has become of it. */
  remove(id: string): void {
    const item = this.#find(id);
    this.#sending.get(id)?.abort();
    this.#change(this.#items.filter((other) => other.id !== id));
    if (item?.state.status === "ready") {
      this.#options.onDiscard?.(item.state.reference);
    }
    this.#pump();
  }

  /** Takes out what is ready, for a message; what failed stays. */
  take(): readonly MediaReference[] {
    const taken = this.#items.flatMap(({ state }) =>
      state.status === "ready" ? [state.reference] : [],
    );
    this.#change(this.#items.filter(({ state }) => state.status !== "ready"));
    return taken;
  }

  /** Takes everything out. */
  clear(): void {
    for (const { id } of this.#items) {
      this.remove(id);
    }
  }

  #admit(item: UploadItem): UploadItem {
    const error = this.#objection(item);
    return error === null ? item : { ...item, state: { status: "failed", error } };
  }

  #objection({ id, file }: UploadItem): UploadError | null {
    const { accept = "image/", maxBytes = Number.POSITIVE_INFINITY, maxFiles = 10 } = this.#options;
    if (!file.type.startsWith(accept)) {
      return new UploadError("unsupported", "This is no picture. Pictures can be attached.");
    }
    if (file.size > maxBytes) {
      return new UploadError(
        "too-large",
        `This has ${formatBytes(file.size)}; a picture may have ${formatBytes(maxBytes)}.`,
      );
    }
    const others = this.#items.filter(
      (other) => other.id !== id && other.state.status !== "failed",
    );
    return others.length < maxFiles
      ? null
      : new UploadError("too-many", `A message takes ${maxFiles} pictures.`);
  }

  #pump(): void {
    const { parallel = 3 } = this.#options;
    for (const item of this.#items) {
      if (this.#sending.size >= parallel) {
        return;
      }
      if (item.state.status === "waiting") {
        void this.#send(item);
      }
    }
  }

  async #send({ id, file }: UploadItem): Promise<void> {
    const { url = "/api/media/upload" } = this.#options;
    const aborter = new AbortController();
    this.#sending.set(id, aborter);
    this.#set(id, { status: "sending", progress: 0 });
    try {
      const reference = await uploadFile(file, {
        ...this.#options,
        url,
        signal: aborter.signal,
        onProgress: (progress) => this.#set(id, { status: "sending", progress }),
      });
      if (this.#find(id) === undefined) {
        // It was taken out in the moment in which it arrived.
        this.#options.onDiscard?.(reference);
      }
      this.#set(id, { status: "ready", reference });
    } catch (error) {
      const told =
        error instanceof UploadError ? error : new UploadError("unreachable", String(error));
      this.#set(id, { status: "failed", error: told });
    } finally {
      this.#sending.delete(id);
      this.#pump();
    }
  }

  #find(id: string): UploadItem | undefined {
    return this.#items.find((item) => item.id === id);
  }

  #set(id: string, state: UploadState): void {
    if (this.#find(id) !== undefined) {
      this.#change(this.#items.map((item) => (item.id === id ? { ...item, state } : item)));
    }
  }

  #change(items: readonly UploadItem[]): void {
    this.#items = items;
    for (const listener of this.#listeners) {
      listener();
    }
  }
}
