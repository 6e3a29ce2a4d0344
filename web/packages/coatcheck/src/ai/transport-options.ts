import type { Endpoint, FrameReport, SocketConstructor } from "./connection.ts";
import type { TurnStart } from "./frames.ts";
import type { LinkTiming } from "./stream-link.ts";

/** Options of {@link WebSocketChatTransport}. */
export interface WebSocketChatTransportOptions extends Partial<LinkTiming> {
  /** The endpoint, `ws:` or `wss:`; a function is asked at each connection. */
  readonly url: string | (() => string);
  /** Defaults to the global `WebSocket`. */
  // biome-ignore lint/style/useNamingConvention: it takes the place of the global of that name
  readonly WebSocket?: SocketConstructor;
  /** Whether previews and thumbnails may be pushed as binary frames; they may by default. */
  readonly binary?: boolean;
  /** The `seq` that the conversation's history was read with: the stream goes on from there. */
  readonly position?: number;
  /**
   * Called for each turn that was not asked for here, such as another tab's. The reader's copy of
   * the conversation has to follow it, then `chat.resumeStream()` reads it.
   */
  readonly onTurn?: (turn: TurnStart) => void;
  /** Called when what was missed cannot be had any more: the conversation is to be read anew. */
  readonly onExpired?: () => void;
  /** Called for each frame in either direction, with its size in bytes. */
  readonly onFrame?: (report: FrameReport) => void;
  /** How long a cancelled turn may take to end, in milliseconds, before it is given up. */
  readonly drainTimeout?: number;
  /** How long a turn waits for a lost connection to come back, in milliseconds. */
  readonly patience?: number;
}

/** How the sockets of a transport are made. */
export function endpointOf(options: WebSocketChatTransportOptions): Endpoint {
  const { url, binary = true } = options;
  return {
    url: typeof url === "string" ? () => url : url,
    socketConstructor: options.WebSocket ?? globalThis.WebSocket,
    protocols: binary ? [BINARY_PROTOCOL, TEXT_PROTOCOL] : [TEXT_PROTOCOL],
  };
}

/** How patient a transport is. */
export function timingOf({
  retryDelay = 250,
  silence = 60_000,
}: WebSocketChatTransportOptions): LinkTiming {
  return { retryDelay, silence };
}

const BINARY_PROTOCOL = "coatcheck.v1.binary";
const TEXT_PROTOCOL = "coatcheck.v1";
