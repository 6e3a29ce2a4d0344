import { useEffect, useSyncExternalStore } from "react";

/** Why a part is not there: the server could not be reached, or has a newer page without it. */
export type LoadFailure = "unreachable" | "outdated";

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
 * @param onFailure - Called once for each time that it could not be loaded, with the reason.
 */
export function useLater<T>(
  later: Later<T>,
  {
    wanted,
    onFailure,
  }: { readonly wanted: boolean; readonly onFailure?: (failure: LoadFailure) => void },
): T | null {
  const value = useSyncExternalStore(later.subscribe, () => later.value);
  const isMissing = wanted && value === null;
  useEffect(() => {
    if (isMissing) {
      later.load().catch(async () => onFailure?.(await whyNotLoaded()));
    }
  }, [later, isMissing, onFailure]);
  return value;
}

/**
 * Why a part of the page could not be loaded. A server that was updated has other parts under other
 * names, and another try would never find the old ones: its page starts another script than this one.
 */
async function whyNotLoaded(): Promise<LoadFailure> {
  const entry = document.querySelector("script[src]")?.getAttribute("src");
  try {
    const response = await fetch("/", { cache: "no-store" });
    const isOther = response.ok && entry && !(await response.text()).includes(entry);
    return isOther ? "outdated" : "unreachable";
  } catch {
    return "unreachable";
  }
}

/** Loads the page anew, as the server has it now. */
export function reloadPage(): void {
  location.reload();
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
