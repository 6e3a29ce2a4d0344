/** The framework-free core: references, placeholders, image sources, uploads, the chat's transport. */

export type { FrameReport, SocketConstructor, SocketLike } from "./connection.ts";
export { formatBytes } from "./format-bytes.ts";
export { type ChunkFrame, type ClientFrame, parseChunkFrame } from "./frames.ts";
export { type Dimensions, type MediaState, parseMediaState } from "./media-state.ts";
export { decodePlaceholder, type Placeholder } from "./placeholder.ts";
export { isImage, type MediaReference, parseReference } from "./reference.ts";
export { downloadAddress, type ImageSource, imageSource } from "./source.ts";
export { WebSocketChatTransport, type WebSocketChatTransportOptions } from "./transport.ts";
export { ChatTransportError, type ChatTransportErrorCode } from "./transport-error.ts";
export {
  UploadError,
  type UploadErrorCode,
  type UploadOptions,
  type UploadRequest,
  type UploadRequestConstructor,
  uploadFile,
} from "./upload.ts";
export {
  type UploadItem,
  UploadQueue,
  type UploadQueueOptions,
  type UploadState,
} from "./upload-queue.ts";
