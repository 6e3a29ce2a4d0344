import type { SocketLike } from "coatcheck/ai";

type Listener = (event: { readonly data: unknown }) => void;

/**
 * A socket whose other end is the test.
 *
 * As the server would, it answers a resumption: the stream that all sockets follow is `FakeSocket`'s.
 */
export class FakeSocket implements SocketLike {
  static readonly all: FakeSocket[] = [];
  /** The number of the stream's newest chunk; goes on over all sockets. */
  static seq = 1000;
  /** Whether the stream has a turn under way, as a resumption is told. */
  static running = false;
  /** What came on the stream while no socket was there; the next resumption brings it. */
  static missed: Record<string, unknown>[] = [];

  static reset(): void {
    FakeSocket.all.length = 0;
    FakeSocket.seq = 1000;
    FakeSocket.running = false;
    FakeSocket.missed = [];
  }

  static get last(): FakeSocket {
    const socket = FakeSocket.all.at(-1);
    if (socket === undefined) {
      throw new Error("no socket was opened");
    }
    return socket;
  }

  readonly url: string;
  readonly protocols: readonly string[];
  binaryType: BinaryType = "blob";
  /** Everything that was sent but resumptions, without the round trip that it told of. */
  readonly sent: Record<string, unknown>[] = [];
  readonly resumptions: Record<string, unknown>[] = [];
  /** The round trip that each frame but resumptions told of. */
  readonly roundTrips: (number | undefined)[] = [];
  /** Whether resumptions are answered. */
  answers = true;
  readyState = 0;
  readonly #listeners = new Map<string, Listener[]>();

  constructor(url: string, protocols: readonly string[] = []) {
    this.url = url;
    this.protocols = protocols;
    FakeSocket.all.push(this);
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }

  send(text: string): void {
    const frame = JSON.parse(text);
    if (frame.type !== "stream-resume") {
      const { roundTrip, ...rest } = frame;
      this.sent.push(rest);
      this.roundTrips.push(roundTrip);
      return;
    }
    this.resumptions.push(frame);
    if (this.answers) {
      this.resume();
    }
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

  /** The server says where the stream goes on, and sends what was missed. */
  resume(): void {
    const { seq, missed } = FakeSocket;
    const data = { seq, last: seq + missed.length, running: FakeSocket.running };
    this.aside({ type: "data-resumed", transient: true, data });
    for (const chunk of missed.splice(0)) {
      this.chunk(chunk);
    }
  }

  /** The server sends the stream's next chunk. */
  chunk(chunk: Record<string, unknown>): void {
    FakeSocket.seq += 1;
    this.frame(JSON.stringify({ seq: FakeSocket.seq, chunk }));
  }

  /** The server begins the turn that was asked for last. */
  begin(): void {
    const asked = this.sent.at(-1) as {
      readonly type: string;
      readonly messageId?: string;
      readonly message?: { readonly id: string };
    };
    const isNew = asked.type === "message-send";
    this.turn(
      isNew ? "submit-message" : "regenerate-message",
      asked.message?.id ?? asked.messageId,
    );
  }

  /** The server begins a turn. */
  turn(trigger: string, messageId: string | undefined, message?: unknown): void {
    this.chunk(turnStart(trigger, messageId, message));
  }

  /** The server sends something that is no part of the stream. */
  aside(chunk: Record<string, unknown>): void {
    this.frame(JSON.stringify({ seq: 0, chunk }));
  }

  /** The server refuses what was asked for last. */
  refuse(code: string): void {
    this.aside({ type: "error", errorText: `No: ${code}.`, code });
    this.aside({ type: "finish" });
  }

  /** A frame is lost on the way. */
  skip(): void {
    FakeSocket.seq += 1;
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

/** The chunk that begins a turn. */
export function turnStart(trigger: string, messageId: string | undefined, message?: unknown) {
  return { type: "data-turn", transient: true, data: { trigger, messageId, message } };
}
