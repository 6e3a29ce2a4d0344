import { useEffect, useSyncExternalStore } from "react";

/**
 * A part of the page that its first view does without: loaded when it is needed or the page is idle,
 * whichever is sooner.
 *
 * Unlike `lazy` of React, what is loaded renders at once, also the first time: nothing is suspended, and
 * what stands in its place meanwhile is the component's own business.
 */
export class Later<T> {
  readonly #import: () => Promise<T>;
  readonly #listeners = new Set<() => void>();
  #loading: Promise<T> | null = null;
  #value: T | null = null;

  constructor(load: () => Promise<T>) {
    this.#import = load;
  }

  /** Null until it is loaded. */
  get value(): T | null {
    return this.#value;
  }

  /**
   * Loads it, once.
   *
   * @throws what the import rejects with; the next call tries again.
   */
  async load(): Promise<T> {
    this.#loading ??= this.#import();
    try {
      this.#value = await this.#loading;
    } catch (error) {
      this.#loading = null;
      throw error;
    }
    for (const listener of this.#listeners) {
      listener();
    }
    return this.#value;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}

/**
 * What is loaded, or null; asks for it while it is `wanted`.
 *
 * @param onFailure - Told once for each time that it could not be loaded.
 */
export function useLater<T>(
  later: Later<T>,
  { wanted, onFailure }: { readonly wanted: boolean; readonly onFailure?: () => void },
): T | null {
  const value = useSyncExternalStore(later.subscribe, () => later.value);
  const isMissing = wanted && value === null;
  useEffect(() => {
    if (isMissing) {
      later.load().catch(() => onFailure?.());
    }
  }, [later, isMissing, onFailure]);
  return value;
}

/** Runs each piece of work while the page has nothing else to do, one at a time. */
export function whenIdle(work: readonly (() => void)[]): void {
  const [first, ...rest] = work;
  if (first === undefined) {
    return;
  }
  const run = () => {
    first();
    whenIdle(rest);
  };
  // Safari has no such callback.
  if (typeof requestIdleCallback === "function") {
    requestIdleCallback(run, { timeout: LONGEST_WAIT_MS });
  } else {
    setTimeout(run, LONGEST_WAIT_MS / 2);
  }
}

/** A page that is never idle gets what it will need all the same. */
const LONGEST_WAIT_MS = 2000;
