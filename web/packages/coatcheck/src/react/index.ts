/** React components over the core. Import `coatcheck/styles.css` for their default looks. */

export { FileChip } from "./file-chip.tsx";
export { MediaGallery, type MediaGalleryProps } from "./gallery.tsx";
export { defaultLabels, type MediaLabels, MediaLabelsContext } from "./labels.ts";
export { Lightbox, type LightboxProps } from "./lightbox.tsx";
export { MediaImage, type MediaImageProps } from "./media-image.tsx";
export { MediaPart, type MediaPartProps } from "./media-part.tsx";
export type { ImagePhase } from "./use-image-phase.ts";
export {
  defaultViewerLabels,
  type ViewerLabels,
  ViewerLabelsContext,
} from "./viewer-labels.ts";
