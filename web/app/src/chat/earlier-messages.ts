import type { UIMessage } from "ai";
import { useSyncExternalStore } from "react";

/** Whether a conversation has messages before the first one that is loaded. */
export type EarlierStatus = "more" | "loading" | "failed" | "none";

interface Page {
  readonly messages: UIMessage[];
  readonly before: number | null;
}

/** The part of a chat that earlier messages are put into. */
interface Holder {
  messages: UIMessage[];
}

/**
 * The messages of a conversation that are not loaded yet, from the last of them back to the first.
 *
 * They are put in front of those that the chat holds, also while an answer is being written: the AI
 * SDK goes on with the chat's last message, wherever that stands.
 */
export class EarlierMessages {
  readonly #holder: Holder;
  readonly #fetchPage: (before: number, limit?: number) => Promise<Page>;
  readonly #listeners = new Set<() => void>();
  #before: number | null;
  #status: EarlierStatus;

  constructor(
    holder: Holder,
    before: number | null,
    fetchPage: (before: number, limit?: number) => Promise<Page>,
  ) {
    this.#holder = holder;
    this.#before = before;
    this.#fetchPage = fetchPage;
    this.#status = before === null ? "none" : "more";
  }

  get status(): EarlierStatus {
    return this.#status;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Loads one page, unless one is being loaded already; never rejects, but tells by its status. */
  async load(limit?: number): Promise<void> {
    const before = this.#before;
    if (before === null || this.#status === "loading") {
      return;
    }
    this.#set("loading");
    try {
      const page = await this.#fetchPage(before, limit);
      const known = new Set(this.#holder.messages.map(({ id }) => id));
      const earlier = page.messages.filter(({ id }) => !known.has(id));
      this.#before = page.before;
      this.#holder.messages = [...earlier, ...this.#holder.messages];
      this.#set(page.before === null ? "none" : "more");
    } catch {
      this.#set("failed");
    }
  }

  /** Loads until a message is there, or all of them are. */
  async loadUntil(messageId: string): Promise<boolean> {
    const has = () => this.#holder.messages.some(({ id }) => id === messageId);
    while (!has() && this.#before !== null && this.#status !== "failed") {
      // biome-ignore lint/performance/noAwaitInLoops: each page tells where the next one is
      await this.load(SEARCHED_AT_ONCE);
    }
    return has();
  }

  #set(status: EarlierStatus): void {
    this.#status = status;
    for (const listener of this.#listeners) {
      listener();
    }
  }
}

/** Messages of a page when a particular one is looked for: as many as the server gives. */
const SEARCHED_AT_ONCE = 200;

/** The status, re-rendering as it changes. */
export function useEarlierStatus(earlier: EarlierMessages): EarlierStatus {
  return useSyncExternalStore(earlier.subscribe, () => earlier.status);
}
