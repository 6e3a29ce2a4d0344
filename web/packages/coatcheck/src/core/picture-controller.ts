import type { MediaReference } from "./reference.ts";
import { type RefreshReference, renewReference } from "./refresh.ts";

/**
 * What the reader sees of a picture: its blur, its small preview, all of it, or that it is missing.
 */
export type PicturePhase = "placeholder" | "thumbnail" | "full" | "failed";

/** Where a picture's life on a page stands. */
export interface PictureState {
  readonly phase: PicturePhase;
  /** Counts the tries. Each takes a fresh `<img>`, which is what makes a browser fetch again. */
  readonly attempt: number;
  /** The reference with fresh addresses, where those that were given had expired. */
  readonly renewed: MediaReference | null;
  /** Addresses are renewed once, until the reader asks for another try. */
  readonly renewal: "possible" | "pending" | "spent";
}

/** What happens to a picture. All but a retry belong to an attempt, and count for no later one. */
export type PictureEvent =
  | {
      readonly type: "thumbnail-decoded" | "full-decoded" | "renewing" | "failed";
      readonly attempt: number;
    }
  | { readonly type: "renewed"; readonly attempt: number; readonly reference: MediaReference }
  | { readonly type: "retried" };

/** A picture of which nothing is there yet. */
export const FIRST_STATE: PictureState = {
  phase: "placeholder",
  attempt: 0,
  renewed: null,
  renewal: "possible",
};

/**
 * Moves a picture from placeholder to thumbnail to full; a late thumbnail never moves it back, and one
 * that has failed stays so until another try. The very state where nothing changes.
 */
export function nextPictureState(state: PictureState, event: PictureEvent): PictureState {
  const { phase, attempt } = state;
  if (event.type === "retried") {
    return { ...state, phase: "placeholder", attempt: attempt + 1, renewal: "possible" };
  }
  if (event.attempt !== attempt) {
    return state;
  }
  switch (event.type) {
    case "thumbnail-decoded":
      return phase === "placeholder" ? { ...state, phase: "thumbnail" } : state;
    case "full-decoded":
      return phase === "placeholder" || phase === "thumbnail" ? { ...state, phase: "full" } : state;
    case "renewing":
      return state.renewal === "possible" ? { ...state, renewal: "pending" } : state;
    case "failed":
      return phase === "failed" ? state : { ...state, phase: "failed", renewal: "spent" };
    case "renewed":
      return state.renewal === "pending"
        ? {
            phase: "placeholder",
            attempt: attempt + 1,
            renewed: event.reference,
            renewal: "spent",
          }
        : state;
  }
}

/** What a picture's addresses are renewed by; both, or they are not. */
export interface PictureRenewal {
  readonly reference: MediaReference | null;
  readonly refresh: RefreshReference | null;
}

/**
 * A picture's life on a page, for whatever draws it: the events of its `<img>` elements go in, its state
 * comes out.
 *
 * A picture that fails because its addresses have expired gets fresh ones, once. One that failed is tried
 * again when the browser is back online.
 */
export class PictureController {
  #state = FIRST_STATE;
  readonly #listeners = new Set<() => void>();

  /** Where it stands; another object after each change. */
  get state(): PictureState {
    return this.#state;
  }

  /** Calls back after each change; returns what stops that. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    this.#awaitNetwork();
    return () => {
      this.#listeners.delete(listener);
      this.#awaitNetwork();
    };
  }

  /** Takes an attempt's image that has loaded; it counts once it can be painted without a stutter. */
  loaded(attempt: number, layer: "thumbnail" | "full", image: HTMLImageElement): void {
    whenDecoded(image, () => this.#dispatch({ type: `${layer}-decoded`, attempt }));
  }

  /** Takes note that the display picture of an attempt could not be loaded. */
  failed(attempt: number, { reference, refresh }: PictureRenewal): void {
    const { renewal } = this.#state;
    if (renewal === "pending" || attempt !== this.#state.attempt) {
      return;
    }
    if (renewal === "spent" || reference === null || refresh === null) {
      this.#dispatch({ type: "failed", attempt });
      return;
    }
    this.#dispatch({ type: "renewing", attempt });
    renewReference(reference, refresh).then((fresh) =>
      this.#dispatch(
        fresh === null
          ? { type: "failed", attempt }
          : { type: "renewed", attempt, reference: fresh },
      ),
    );
  }

  /** Tries once more. */
  readonly retry = (): void => this.#dispatch({ type: "retried" });

  #dispatch(event: PictureEvent): void {
    const before = this.#state;
    this.#state = nextPictureState(before, event);
    if (this.#state !== before) {
      this.#awaitNetwork();
      for (const listener of this.#listeners) {
        listener();
      }
    }
  }

  /** Listens for the network exactly as long as someone sees a failure. */
  #awaitNetwork(): void {
    if (this.#state.phase === "failed" && this.#listeners.size > 0) {
      globalThis.addEventListener("online", this.retry);
    } else {
      globalThis.removeEventListener("online", this.retry);
    }
  }
}

/**
 * Calls back once the pixels are ready to paint, so that showing the image costs the main thread
 * nothing. `decode()` rejects when the element was removed or its source changed meanwhile; an image
 * that has loaded is shown all the same, and the browser decodes it as it paints.
 */
export function whenDecoded(image: HTMLImageElement, callback: () => void): void {
  image.decode().then(callback, () => {
    if (image.isConnected) {
      callback();
    }
  });
}
