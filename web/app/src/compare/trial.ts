/** The picture itself as base64, or a reference to it. */
export type Side = "legacy" | "references";

/**
 * How a message arrives: all in one frame; its text sent whole on every chunk; or as deltas whose
 * growing text is rendered as Markdown.
 */
export type Way = "frame" | "growing" | "tokens";

/** One conversation, played over a socket. */
export interface Trial {
  /** The WebSocket's path. */
  readonly path: string;
  readonly side: Side;
  readonly way: Way;
  /** How many messages, each with a picture. */
  readonly count: number;
}

/** When a picture was seen, in milliseconds from the first frame of its message. */
export interface PictureTimes {
  /** The first frame itself, from the opening of the socket. */
  readonly arrived: number;
  /** Anything of it: the placeholder, or the picture. */
  readonly firstPixels: number | null;
  readonly thumbnail: number | null;
  readonly full: number | null;
  /** Pictures far below are not fetched until they are near. */
  readonly inView: boolean;
}

/** What a play has cost so far. Times are milliseconds. */
export interface Figures {
  /** Over the socket. */
  readonly bytes: number;
  readonly largestFrame: number;
  readonly longestHandler: number;
  /** In `JSON.parse`, all frames together. */
  readonly parsing: number;
  /** Tasks over 50 ms, and how far they went over it together. */
  readonly longTasks: number;
  readonly blocking: number;
  /** Message handlers over 150 ms, the socket's and React's: those that Chrome reports. */
  readonly slowHandlers: number;
  readonly layoutShift: number;
  /** From an input to the next paint. */
  readonly slowestInteraction: number;
  readonly pictures: readonly PictureTimes[];
  /** From the opening of the socket until the last frame is handled and what is in view is painted. */
  readonly settled: number | null;
}
