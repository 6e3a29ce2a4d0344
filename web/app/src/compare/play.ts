import { type MediaReference, parseReference } from "coatcheck";
import { MainThreadObserver } from "./observer.ts";
import { PictureWatch } from "./picture-watch.ts";
import type { Figures, Trial } from "./trial.ts";

/** A message as the page shows it. */
export interface ComparedMessage {
  readonly id: string;
  readonly text: string;
  /** From a tool's result: a reference, or a data: URI. */
  readonly picture: MediaReference | string | null;
}

interface Frame {
  readonly type: "output" | "text" | "delta" | "finish";
  readonly id: string;
  readonly output?: { readonly imageData?: string };
  readonly text?: string;
  readonly delta?: string;
}

const POLL_MS = 100;

/** Plays one conversation and measures it. The page shows `messages` below `root`. */
export class Play {
  readonly trial: Trial;
  messages: readonly ComparedMessage[] = [];

  readonly #watch: PictureWatch;
  readonly #observer = new MainThreadObserver();
  readonly #onChange: () => void;
  #bytes = 0;
  #largestFrame = 0;
  #longestHandler = 0;
  #parsing = 0;
  #opened = 0;
  #finished: number | null = null;

  constructor(trial: Trial, root: HTMLElement, onChange: () => void) {
    this.trial = trial;
    this.#watch = new PictureWatch(root);
    this.#onChange = onChange;
  }

  /**
   * Plays until everything has come and what is in view is painted.
   *
   * @throws Error if the server refuses or leaves in the middle.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { path, side, way, count } = this.trial;
    const address = new URL(path, location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    address.search = new URLSearchParams({ side, way, count: String(count) }).toString();
    this.#opened = performance.now();
    const socket = new WebSocket(address);
    socket.onmessage = (event: MessageEvent<string>) => this.#receive(event.data);
    try {
      await new Promise<void>((resolve, reject) => {
        socket.onclose = ({ reason }) => {
          if (this.#finished === null) {
            reject(new Error(reason === "" ? "The connection was lost." : reason));
          } else {
            resolve();
          }
        };
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      });
      while (this.figures().settled === null && !signal.aborted) {
        // biome-ignore lint/performance/noAwaitInLoops: it waits for the page to paint
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    } finally {
      socket.close();
      this.#observer.disconnect();
      this.#watch.disconnect();
    }
  }

  figures(): Figures {
    const { longTasks, blocking, slowHandlers, layoutShift, slowestInteraction } = this.#observer;
    const painted = this.#watch.lastPaint();
    return {
      bytes: this.#bytes,
      largestFrame: this.#largestFrame,
      longestHandler: this.#longestHandler,
      parsing: this.#parsing,
      longTasks,
      blocking,
      slowHandlers,
      layoutShift,
      slowestInteraction,
      pictures: this.#watch.times(this.#opened),
      settled:
        this.#finished === null || painted === null
          ? null
          : Math.max(this.#finished, painted) - this.#opened,
    };
  }

  #receive(data: string): void {
    const start = performance.now();
    const frame = JSON.parse(data) as Frame;
    this.#parsing += performance.now() - start;
    if (frame.type === "finish") {
      this.#finished = start;
    } else {
      this.#watch.begin(frame.id, start);
      this.#apply(frame);
      this.#onChange();
    }
    // The frames are ASCII: a character is a byte.
    this.#bytes += data.length;
    this.#largestFrame = Math.max(this.#largestFrame, data.length);
    this.#longestHandler = Math.max(this.#longestHandler, performance.now() - start);
  }

  #apply({ id, output, text, delta }: Frame): void {
    const last = this.messages.at(-1);
    const [before, message] =
      last?.id === id
        ? [this.messages.slice(0, -1), last]
        : [this.messages, { id, text: "", picture: null }];
    this.messages = [
      ...before,
      {
        id,
        text: text ?? message.text + (delta ?? ""),
        picture: output === undefined ? message.picture : readPicture(output),
      },
    ];
  }
}

function readPicture(output: { readonly imageData?: string }): MediaReference | string | null {
  return output.imageData ?? parseReference(output);
}
