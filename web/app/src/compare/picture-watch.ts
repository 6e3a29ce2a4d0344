import type { PictureTimes } from "./trial.ts";

type Moment = "firstPixels" | "thumbnail" | "full";

/** Notes when the pictures below an element are painted, by their `data-phase`. */
export class PictureWatch {
  readonly #root: HTMLElement;
  readonly #observer: MutationObserver;
  readonly #began = new Map<string, number>();
  readonly #seen = new Map<string, Partial<Record<Moment, number>>>();

  constructor(root: HTMLElement) {
    this.#root = root;
    this.#observer = new MutationObserver((records) => {
      for (const { target } of records) {
        if (target instanceof Element) {
          this.#look(target);
        }
      }
    });
    this.#observer.observe(root, {
      subtree: true,
      childList: true,
      attributes: true,
      attributeFilter: ["data-phase"],
    });
  }

  /** The first frame of a message has come. */
  begin(id: string, now: number): void {
    if (!this.#began.has(id)) {
      this.#began.set(id, now);
    }
  }

  /** Each message's times, in the order in which they began; `opened` is when the socket was. */
  times(opened: number): PictureTimes[] {
    return [...this.#began].map(([id, began]) => {
      const seen = this.#seen.get(id);
      const since = (at: number | undefined) => (at === undefined ? null : at - began);
      return {
        arrived: began - opened,
        firstPixels: since(seen?.firstPixels),
        thumbnail: since(seen?.thumbnail),
        full: since(seen?.full),
        inView: this.#isInView(id),
      };
    });
  }

  /** When the last of what is in view was painted, or null as long as something is missing. */
  lastPaint(): number | null {
    let last = 0;
    for (const id of this.#began.keys()) {
      const seen = this.#seen.get(id);
      const due = this.#isInView(id) ? seen?.full : seen?.firstPixels;
      if (due === undefined) {
        return null;
      }
      last = Math.max(last, due);
    }
    return last;
  }

  disconnect(): void {
    this.#observer.disconnect();
  }

  #look(target: Element): void {
    const found = target.matches("[data-phase]")
      ? [target]
      : target.querySelectorAll("[data-phase]");
    for (const element of found) {
      const id = element.closest("[data-picture]")?.getAttribute("data-picture");
      const phase = element.getAttribute("data-phase");
      if (id !== null && id !== undefined && phase !== "loading" && phase !== "failed") {
        this.#note(id, phase === "thumbnail" || phase === "full" ? phase : "firstPixels");
      }
    }
  }

  #note(id: string, moment: Moment): void {
    const seen = this.#seen.get(id) ?? {};
    if (seen[moment] !== undefined) {
      return;
    }
    // Marked at once, or it would be noted again; put right when the frame has been drawn.
    seen[moment] = performance.now();
    seen.firstPixels ??= seen[moment];
    this.#seen.set(id, seen);
    const isFirst = seen.firstPixels === seen[moment];
    afterPaint((now) => {
      seen[moment] = now;
      if (isFirst) {
        seen.firstPixels = now;
      }
    });
  }

  #isInView(id: string): boolean {
    const element = this.#root.querySelector(`[data-picture="${id}"]`);
    if (element === null) {
      return false;
    }
    const box = element.getBoundingClientRect();
    const view = this.#root.getBoundingClientRect();
    // A whole page is as long as its content; what is seen of it is the window.
    const isPage = this.#root === document.documentElement;
    return box.bottom > (isPage ? 0 : view.top) && box.top < (isPage ? innerHeight : view.bottom);
  }
}

/** A task that is queued by a frame's callback runs once that frame is on its way to the screen. */
function afterPaint(callback: (now: number) => void): void {
  requestAnimationFrame(() => setTimeout(() => callback(performance.now())));
}
