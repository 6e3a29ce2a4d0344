import type { UIMessage, UIMessageChunk } from "ai";
import { asFields, type Fields, isWholeNumber } from "../core/fields.ts";
import { parseJson } from "../core/json.ts";

/** One server-to-client text frame: a chunk and its place in the conversation's sequence. */
export interface ChunkFrame {
  /** Rises by one with each chunk of the conversation; 0 is for this socket alone. */
  readonly seq: number;
  readonly chunk: UIMessageChunk;
}

/** What the client has measured, in any frame but a cancellation. */
export interface ClientMeasurements {
  /** Milliseconds from a frame to its answer, the shortest so far; absent while none is known. */
  readonly roundTrip?: number;
}

/** Client-to-server text frames, by `type`. */
export type ClientFrame =
  | ({
      readonly type: "message-send";
      readonly conversationId: string;
      readonly message: UIMessage;
    } & ClientMeasurements)
  | ({
      readonly type: "message-regenerate";
      readonly conversationId: string;
      /** The user's message to be answered anew. */
      readonly messageId: string;
    } & ClientMeasurements)
  | ({
      readonly type: "stream-resume";
      readonly conversationId: string;
      readonly seq: number;
      /** A reference that came on this socket before may come again as its `id` alone. */
      readonly referencesOnce?: boolean;
    } & ClientMeasurements)
  | { readonly type: "stream-cancel"; readonly conversationId: string };

/** What a turn answers, and why: the `data-turn` chunk that begins it. */
export interface TurnStart {
  readonly trigger: "submit-message" | "regenerate-message";
  /** The user's message that is answered. What followed it is gone. */
  readonly messageId: string;
  /** That message, if it is new or has changed; null if it did not fit into a frame. */
  readonly message: UIMessage | null;
  /** Whether it took the place of an earlier message with its id. */
  readonly edited: boolean;
}

/** Where a resumed stream goes on: the `data-resumed` chunk. */
export interface Resumption {
  /** Everything after this number comes now. */
  readonly seq: number;
  /** The newest number that there is. */
  readonly last: number;
  /** Whether a turn is under way. */
  readonly running: boolean;
}

/**
 * Reads a text frame `{"seq": n, "chunk": {"type": …}}`.
 *
 * The chunk's own fields are left to the AI SDK, which knows its chunk types; a type newer than the
 * SDK passes through and is ignored there.
 *
 * @returns null for anything that is not such a frame. Never throws.
 */
export function parseChunkFrame(text: unknown): ChunkFrame | null {
  return typeof text === "string" ? readChunkFrame(parseJson(text)) : null;
}

/** Reads the value of such a frame, or null for any other value. */
export function readChunkFrame(frame: unknown): ChunkFrame | null {
  const { seq, chunk } = fieldsOf(frame);
  return isSeq(seq) && typeof fieldsOf(chunk)["type"] === "string"
    ? { seq, chunk: chunk as UIMessageChunk }
    : null;
}

/** Reads what a `data-turn` chunk says, or null for any other chunk. */
export function parseTurnStart(chunk: UIMessageChunk): TurnStart | null {
  if (chunk.type !== "data-turn") {
    return null;
  }
  const { trigger, messageId, message, edited } = fieldsOf(fieldsOf(chunk)["data"]);
  const isKnown = trigger === "submit-message" || trigger === "regenerate-message";
  if (!isKnown || typeof messageId !== "string") {
    return null;
  }
  return {
    trigger,
    messageId,
    message: isUserMessage(message) ? message : null,
    edited: edited === true,
  };
}

/** Reads what a `data-resumed` chunk says, or null for any other chunk. */
export function parseResumption(chunk: UIMessageChunk): Resumption | null {
  if (chunk.type !== "data-resumed") {
    return null;
  }
  const { seq, last, running } = fieldsOf(fieldsOf(chunk)["data"]);
  return isSeq(seq) && isSeq(last) && typeof running === "boolean" ? { seq, last, running } : null;
}

/** Bytes that a text frame's payload takes on the wire before any compression: its UTF-8 length. */
export function frameBytes(text: string): number {
  return encoder.encode(text).byteLength;
}

const encoder = new TextEncoder();

function isUserMessage(value: unknown): value is UIMessage {
  const { id, role, parts } = fieldsOf(value);
  return (
    typeof id === "string" &&
    role === "user" &&
    Array.isArray(parts) &&
    parts.every((part) => typeof fieldsOf(part)["type"] === "string")
  );
}

function isSeq(value: unknown): value is number {
  return isWholeNumber(value, 0);
}

/** The members of an object; none for anything else. */
function fieldsOf(value: unknown): Fields {
  return asFields(value) ?? {};
}
