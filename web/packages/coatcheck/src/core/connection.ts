import { type ChunkFrame, type ClientFrame, frameBytes, parseChunkFrame } from "./frames.ts";
import { ChatTransportError } from "./transport-error.ts";

/** The part of the browser's `WebSocket` that a connection uses. */
export interface SocketLike {
  readonly readyState: number;
  send(text: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: "open" | "close" | "error", listener: () => void): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
}

/** Constructs a socket that begins to connect at once, like `WebSocket` itself. */
export type SocketConstructor = new (url: string) => SocketLike;

/** What one text frame cost, for those who want to show or measure it. */
export type FrameReport =
  | { readonly direction: "sent"; readonly bytes: number; readonly frame: ClientFrame }
  | { readonly direction: "received"; readonly bytes: number; readonly frame: ChunkFrame };

interface ConnectionHandlers {
  readonly onChunkFrame: (frame: ChunkFrame) => void;
  /** The socket is gone; the next `open` makes a new one. */
  readonly onClosed: (reason: ChatTransportError) => void;
  readonly onReport: ((report: FrameReport) => void) | undefined;
}

/**
 * A socket that is opened when first needed and again after it was lost, with its frames checked for
 * order. It knows nothing of turns.
 */
export class Connection {
  readonly #url: () => string;
  readonly #socketConstructor: SocketConstructor;
  readonly #handlers: ConnectionHandlers;
  #current: { readonly socket: SocketLike; readonly opened: Promise<void> } | null = null;
  #lastSeq: number | null = null;

  constructor(
    url: () => string,
    socketConstructor: SocketConstructor,
    handlers: ConnectionHandlers,
  ) {
    this.#url = url;
    this.#socketConstructor = socketConstructor;
    this.#handlers = handlers;
  }

  /** Resolves when frames can be sent; rejects with `unreachable`. */
  open(): Promise<void> {
    if (this.#current !== null && this.#current.socket.readyState <= OPEN) {
      return this.#current.opened;
    }
    this.#lastSeq = null;
    let socket: SocketLike;
    try {
      socket = new this.#socketConstructor(this.#url());
    } catch {
      // The constructor throws on an address it does not take, such as ws: from an https: page.
      return Promise.reject(unreachable());
    }
    const opened = new Promise<void>((resolve, reject) => {
      socket.addEventListener("open", () => resolve());
      socket.addEventListener("close", () => {
        reject(unreachable());
        this.#drop(socket, disconnected());
      });
    });
    socket.addEventListener("message", ({ data }) => this.#receive(socket, data));
    this.#current = { socket, opened };
    return opened;
  }

  /** Sends a frame on the open socket. A socket that is not open drops it: its closing is reported. */
  send(frame: ClientFrame): void {
    const socket = this.#current?.socket;
    if (socket?.readyState !== OPEN) {
      return;
    }
    const text = JSON.stringify(frame);
    socket.send(text);
    this.#handlers.onReport?.({ direction: "sent", bytes: frameBytes(text), frame });
  }

  /** Closes the socket, if there is one, and reports it as closed at once. */
  close(reason: ChatTransportError = disconnected()): void {
    const socket = this.#current?.socket;
    if (socket !== undefined) {
      this.#drop(socket, reason);
      socket.close(NORMAL_CLOSURE);
    }
  }

  #receive(socket: SocketLike, data: unknown): void {
    if (this.#current?.socket !== socket) {
      return;
    }
    const frame = parseChunkFrame(data);
    if (frame === null) {
      this.close(
        new ChatTransportError("protocol", "The server sent an answer that cannot be read."),
      );
      return;
    }
    if (this.#lastSeq !== null && frame.seq <= this.#lastSeq) {
      return;
    }
    if (this.#lastSeq !== null && frame.seq > this.#lastSeq + 1) {
      this.close(new ChatTransportError("protocol", "A part of the answer was lost on the way."));
      return;
    }
    this.#lastSeq = frame.seq;
    if (this.#handlers.onReport !== undefined) {
      const bytes = frameBytes(data as string);
      this.#handlers.onReport({ direction: "received", bytes, frame });
    }
    this.#handlers.onChunkFrame(frame);
  }

  #drop(socket: SocketLike, reason: ChatTransportError): void {
    if (this.#current?.socket === socket) {
      this.#current = null;
      this.#handlers.onClosed(reason);
    }
  }
}

/** `WebSocket.OPEN`; connecting is 0, closing and closed are above. */
const OPEN = 1;
const NORMAL_CLOSURE = 1000;

function unreachable(): ChatTransportError {
  return new ChatTransportError("unreachable", "The server could not be reached.");
}

function disconnected(): ChatTransportError {
  return new ChatTransportError(
    "disconnected",
    "The connection was lost before the answer was complete.",
  );
}
