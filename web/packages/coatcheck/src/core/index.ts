/**
 * The framework-free core: references, placeholders, image sources, uploads, the chat's transport.
 *
 * @module coatcheck
 */

export { type BinaryFrame, decodeBinaryFrame } from "./binary-frames.ts";
export type { FrameReport, SocketConstructor, SocketLike } from "./connection.ts";
export { formatBytes } from "./format-bytes.ts";
export { type ChunkFrame, type ClientFrame, parseChunkFrame, type TurnStart } from "./frames.ts";
export {
  type Generation,
  type GenerationSource,
  type LegacyMedia,
  parseGeneration,
} from "./generation.ts";
export { decodeInlineImage, type InlineImage, readInlineImage } from "./legacy/inline-image.ts";
export { splitMarkdownImages, type TextPiece } from "./legacy/markdown-images.ts";
export { type LegacyImage, type Picture, parsePicture } from "./legacy/picture.ts";
export { type Dimensions, type MediaState, parseMediaState } from "./media-state.ts";
export { decodePlaceholder, type Placeholder } from "./placeholder/placeholder.ts";
export { isImage, type MediaReference, parseReference } from "./reference.ts";
export { type RefreshReference, refreshFrom, renewReference } from "./refresh.ts";
export { downloadAddress, type ImageSource, imageSource } from "./source.ts";
export { type PictureDetails, parseToolOutput, type ToolOutput } from "./tool-output.ts";
export { WebSocketChatTransport } from "./transport.ts";
export { ChatTransportError, type ChatTransportErrorCode } from "./transport-error.ts";
export type { WebSocketChatTransportOptions } from "./transport-options.ts";
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
