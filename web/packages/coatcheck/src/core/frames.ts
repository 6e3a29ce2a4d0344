import type { UIMessage, UIMessageChunk } from "ai";

/** One server-to-client text frame: a chunk and its place in the socket's sequence. */
export interface ChunkFrame {
  /** Rises by one with each frame of a socket, so that a gap shows. */
  readonly seq: number;
  readonly chunk: UIMessageChunk;
}

/** Client-to-server text frames, by `type`. */
export type ClientFrame =
  | {
      readonly type: "message-send";
      readonly conversationId: string;
      readonly message: UIMessage;
    }
  | { readonly type: "stream-cancel"; readonly conversationId: string };

/**
 * Reads a text frame `{"seq": n, "chunk": {"type": …}}`.
 *
 * The chunk's own fields are left to the AI SDK, which knows its chunk types; a type newer than the
 * SDK passes through and is ignored there.
 *
 * @returns null for anything that is not such a frame. Never throws.
 */
export function parseChunkFrame(text: unknown): ChunkFrame | null {
  if (typeof text !== "string") {
    return null;
  }
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof frame !== "object" || frame === null || !("seq" in frame && "chunk" in frame)) {
    return null;
  }
  const { seq, chunk } = frame;
  if (typeof seq !== "number" || !Number.isSafeInteger(seq) || seq < 0) {
    return null;
  }
  if (typeof chunk !== "object" || chunk === null || !("type" in chunk)) {
    return null;
  }
  if (typeof chunk.type !== "string") {
    return null;
  }
  return { seq, chunk: chunk as UIMessageChunk };
}

/** Bytes that a text frame's payload takes on the wire before any compression: its UTF-8 length. */
export function frameBytes(text: string): number {
  return encoder.encode(text).byteLength;
}

const encoder = new TextEncoder();
