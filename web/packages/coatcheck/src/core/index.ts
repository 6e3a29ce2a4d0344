/** The framework-free core: references, placeholders, image sources, and the chat's transport. */

export { type BinaryFrame, decodeBinaryFrame } from "./binary-frames.ts";
export type { FrameReport, SocketConstructor, SocketLike } from "./connection.ts";
export { formatBytes } from "./format-bytes.ts";
export { type ChunkFrame, type ClientFrame, parseChunkFrame, type TurnStart } from "./frames.ts";
export { type Dimensions, type MediaState, parseMediaState } from "./media-state.ts";
export { decodePlaceholder, type Placeholder } from "./placeholder.ts";
export { isImage, type MediaReference, parseReference } from "./reference.ts";
export { downloadAddress, type ImageSource, imageSource } from "./source.ts";
export { WebSocketChatTransport } from "./transport.ts";
export { ChatTransportError, type ChatTransportErrorCode } from "./transport-error.ts";
export type { WebSocketChatTransportOptions } from "./transport-options.ts";
