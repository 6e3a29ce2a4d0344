interface Shift extends PerformanceEntry {
  readonly value: number;
}

interface AnimationFrameTiming extends PerformanceEntry {
  readonly scripts: readonly { readonly invoker: string; readonly duration: number }[];
}

/** From this on Chrome reports a violation for a message's handler. */
const SLOW_HANDLER_MS = 150;

/** From this on a task is a long one. */
const LONG_TASK_MS = 50;

/** Counts what the browser notices about the main thread from now on. */
export class MainThreadObserver {
  longTasks = 0;
  blocking = 0;
  slowHandlers = 0;
  layoutShift = 0;
  slowestInteraction = 0;

  readonly #observers: readonly PerformanceObserver[];
  readonly #since = performance.now();

  constructor() {
    this.#observers = [
      this.#observe("longtask", ({ duration }) => {
        this.longTasks += 1;
        this.blocking += duration - LONG_TASK_MS;
      }),
      this.#observe("layout-shift", (entry) => {
        this.layoutShift += (entry as Shift).value;
      }),
      this.#observe("event", ({ duration }) => {
        this.slowestInteraction = Math.max(this.slowestInteraction, duration);
      }),
      this.#observe("long-animation-frame", (entry) => {
        this.slowHandlers += (entry as AnimationFrameTiming).scripts.filter(
          ({ invoker, duration }) => invoker.endsWith(".onmessage") && duration > SLOW_HANDLER_MS,
        ).length;
      }),
    ];
  }

  disconnect(): void {
    for (const observer of this.#observers) {
      observer.disconnect();
    }
  }

  #observe(type: string, note: (entry: PerformanceEntry) => void): PerformanceObserver {
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        if (entry.startTime >= this.#since) {
          note(entry);
        }
      }
    });
    // A browser that does not know a type warns on its console and reports nothing.
    if (PerformanceObserver.supportedEntryTypes.includes(type)) {
      observer.observe({ type, ...(type === "event" ? { durationThreshold: 16 } : {}) });
    }
    return observer;
  }
}
