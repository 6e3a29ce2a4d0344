import type { SocketLike } from "coatcheck";

type Listener = (event: { readonly data: unknown }) => void;

/** A socket whose other end is the test. */
export class FakeSocket implements SocketLike {
  static readonly all: FakeSocket[] = [];
  static get last(): FakeSocket {
    const socket = FakeSocket.all.at(-1);
    if (socket === undefined) {
      throw new Error("no socket was opened");
    }
    return socket;
  }

  readonly url: string;
  readonly sent: Record<string, unknown>[] = [];
  readyState = 0;
  readonly #listeners = new Map<string, Listener[]>();
  #seq = 0;

  constructor(url: string) {
    this.url = url;
    FakeSocket.all.push(this);
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(): void {
    this.drop();
  }

  /** The server accepts the connection. */
  accept(): void {
    this.readyState = 1;
    this.#emit("open");
  }

  /** The connection is gone, or never came to be. */
  drop(): void {
    this.readyState = 3;
    this.#emit("close");
  }

  /** The server sends a chunk in the next frame. */
  chunk(chunk: Record<string, unknown>): void {
    this.frame(JSON.stringify({ seq: this.#seq, chunk }));
    this.#seq += 1;
  }

  /** A frame is lost on the way. */
  skip(): void {
    this.#seq += 1;
  }

  frame(data: unknown): void {
    this.#emit("message", data);
  }

  #emit(type: string, data?: unknown): void {
    for (const listener of this.#listeners.get(type) ?? []) {
      listener({ data });
    }
  }
}
