/**
 * React components over the core. Import `coatcheck/styles.css` for their default looks.
 *
 * @module coatcheck/react
 */

export { FileChip } from "./file-chip.tsx";
export { MediaGallery, type MediaGalleryProps } from "./gallery.tsx";
export type { GeneratedPicture, ImageGenerationWidgetProps } from "./generated-part.tsx";
export { ImageGenerationWidget } from "./image-generation-widget.tsx";
export { defaultLabels, type MediaLabels, MediaLabelsContext } from "./labels.ts";
export { Lightbox, type LightboxProps } from "./lightbox.tsx";
export { MediaImage, type MediaImageProps } from "./media-image.tsx";
export { MediaPart, type MediaPartProps } from "./media-part.tsx";
export { MediaRefreshContext } from "./refresh-context.ts";
export type { GalleryShape } from "./use-gallery-window.ts";
export {
  type ImageEvent,
  type Media,
  type UseMediaOptions,
  useMedia,
} from "./use-media.ts";
export { type Uploads, useUploads } from "./use-uploads.ts";
export {
  defaultViewerLabels,
  type ViewerLabels,
  ViewerLabelsContext,
} from "./viewer-labels.ts";
