/**
 * The framework-free core: references, placeholders, image sources, tools' outputs, uploads.
 *
 * @module coatcheck
 */

export { formatBytes } from "./format-bytes.ts";
export {
  type Generation,
  type GenerationSource,
  type LegacyMedia,
  parseGeneration,
} from "./generation.ts";
export { type Dimensions, type MediaState, parseMediaState } from "./media-state.ts";
export {
  PictureController,
  type PicturePhase,
  type PictureRenewal,
  type PictureState,
} from "./picture-controller.ts";
export { decodePlaceholder, type Placeholder } from "./placeholder/placeholder.ts";
export { isImage, type MediaReference, parseReference } from "./reference.ts";
export { type RefreshReference, refreshFrom, renewReference } from "./refresh.ts";
export {
  type BoxLimits,
  boxSizes,
  downloadAddress,
  type ImageSource,
  type ImageSourceOptions,
  imageSource,
  savesData,
  thumbnailAddress,
  windowSizes,
} from "./source.ts";
export {
  type PictureDetails,
  parseToolOutput,
  type ReferencePicture,
  type ToolOutput,
} from "./tool-output.ts";
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
