/**
 * The chat's transport for `useChat` of the AI SDK: its chunks over a WebSocket, with resumption.
 *
 * @module coatcheck/ai
 */

export { type BinaryFrame, decodeBinaryFrame } from "./binary-frames.ts";
export type { FrameReport, SocketConstructor, SocketLike } from "./connection.ts";
export {
  type ChunkFrame,
  type ClientFrame,
  type ClientMeasurements,
  parseChunkFrame,
  type TurnStart,
} from "./frames.ts";
export { WebSocketChatTransport } from "./transport.ts";
export { ChatTransportError, type ChatTransportErrorCode } from "./transport-error.ts";
export type { WebSocketChatTransportOptions } from "./transport-options.ts";
