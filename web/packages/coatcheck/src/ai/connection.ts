import { LARGE_FRAME, parseJson } from "../core/json.ts";
import { type BinaryFrame, decodeBinaryFrame } from "./binary-frames.ts";
import { type ChunkFrame, type ClientFrame, frameBytes, readChunkFrame } from "./frames.ts";

/** The part of the browser's `WebSocket` that a connection uses. */
export interface SocketLike {
  readonly readyState: number;
  binaryType: BinaryType;
  /** Sends a text frame. */
  send(text: string): void;
  /** Begins to close it. */
  close(code?: number, reason?: string): void;
  /** Calls the listener when it is open, closed or broken. */
  addEventListener(type: "open" | "close" | "error", listener: () => void): void;
  /** Calls the listener with each frame. */
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
}

/** Constructs a socket that begins to connect at once, like `WebSocket` itself. */
export type SocketConstructor = new (url: string, protocols: string[]) => SocketLike;

/** What one frame cost, for those who want to show or measure it. */
export type FrameReport =
  | { readonly direction: "sent"; readonly bytes: number; readonly frame: ClientFrame }
  | { readonly direction: "received"; readonly bytes: number; readonly frame: ChunkFrame }
  | { readonly direction: "pushed"; readonly bytes: number; readonly frame: BinaryFrame };

/** How sockets are made. */
export interface Endpoint {
  readonly url: () => string;
  readonly socketConstructor: SocketConstructor;
  readonly protocols: string[];
}

interface ConnectionHandlers {
  readonly onOpen: () => void;
  readonly onFrame: (frame: ChunkFrame) => void;
  readonly onPushed: (frame: BinaryFrame) => void;
  /** Called once, be it that the socket was lost, never came to be, or was closed here. */
  readonly onClosed: () => void;
  readonly onReport: ((report: FrameReport) => void) | undefined;
  /** Parses a frame of {@link LARGE_FRAME} or more. Never rejects. */
  readonly readLarge: (text: string) => Promise<unknown>;
}

/** One socket, with its frames read. It knows nothing of order, turns, or trying again. */
export class Connection {
  readonly #handlers: ConnectionHandlers;
  readonly #socket: SocketLike | null;
  #isClosed = false;
  /** What came while a large frame is read elsewhere, its order kept; null while none is. */
  #waiting: (() => void)[] | null = null;

  constructor({ url, socketConstructor, protocols }: Endpoint, handlers: ConnectionHandlers) {
    this.#handlers = handlers;
    this.#socket = construct(socketConstructor, url(), protocols);
    if (this.#socket === null) {
      // Told later, as the loss of any other socket is.
      queueMicrotask(() => this.#end());
      return;
    }
    this.#socket.binaryType = "arraybuffer";
    this.#socket.addEventListener("open", () => {
      if (!this.#isClosed) {
        handlers.onOpen();
      }
    });
    // What came before the end is still read before it.
    const end = () => this.#inOrder(() => this.#end());
    this.#socket.addEventListener("close", end);
    // In a browser, `close` follows. Node's WebSocket leaves it out when the handshake fails.
    this.#socket.addEventListener("error", end);
    this.#socket.addEventListener("message", ({ data }) =>
      this.#inOrder(() => this.#receive(data)),
    );
  }

  /** Sends a frame; a socket that is not open drops it. */
  send(frame: ClientFrame): void {
    if (this.#isClosed || this.#socket?.readyState !== OPEN) {
      return;
    }
    const text = JSON.stringify(frame);
    this.#socket.send(text);
    this.#handlers.onReport?.({ direction: "sent", bytes: frameBytes(text), frame });
  }

  /** Closes the socket. What still comes on it is not read. */
  close(): void {
    this.#end();
    this.#socket?.close(NORMAL_CLOSURE);
  }

  #end(): void {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#handlers.onClosed();
    }
  }

  #inOrder(event: () => void): void {
    if (this.#waiting === null) {
      event();
    } else {
      this.#waiting.push(event);
    }
  }

  #receive(data: unknown): void {
    if (this.#isClosed) {
      return;
    }
    if (data instanceof ArrayBuffer) {
      this.#receivePushed(data);
    } else if (typeof data !== "string" || data.length <= LARGE_FRAME) {
      this.#receiveText(data, parseJson(data as string));
    } else {
      this.#waiting = [];
      this.#handlers.readLarge(data).then((value) => {
        const waiting = this.#waiting ?? [];
        this.#waiting = null;
        this.#receiveText(data, value);
        for (const event of waiting) {
          // Another large one makes the rest wait once more.
          this.#inOrder(event);
        }
      });
    }
  }

  #receiveText(data: unknown, value: unknown): void {
    if (this.#isClosed) {
      return;
    }
    const frame = readChunkFrame(value);
    if (frame === null) {
      // The other side does not speak this protocol, or not now.
      this.close();
      return;
    }
    if (this.#handlers.onReport !== undefined) {
      const bytes = frameBytes(data as string);
      this.#handlers.onReport({ direction: "received", bytes, frame });
    }
    this.#handlers.onFrame(frame);
  }

  #receivePushed(data: ArrayBuffer): void {
    // One that cannot be read is passed over: the part has its picture from its URL, or later.
    const frame = decodeBinaryFrame(data);
    if (frame !== null) {
      this.#handlers.onReport?.({ direction: "pushed", bytes: data.byteLength, frame });
      this.#handlers.onPushed(frame);
    }
  }
}

/** `WebSocket.OPEN`. */
const OPEN = 1;
const NORMAL_CLOSURE = 1000;

function construct(
  SocketClass: SocketConstructor,
  url: string,
  protocols: string[],
): SocketLike | null {
  try {
    return new SocketClass(url, protocols);
  } catch {
    // The constructor throws on an address it does not take, such as ws: from an https: page.
    return null;
  }
}
