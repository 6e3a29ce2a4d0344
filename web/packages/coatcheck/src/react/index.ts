/** React components over the core. Import `coatcheck/styles.css` for their default looks. */

export { FileChip } from "./file-chip.tsx";
export { defaultLabels, type MediaLabels, MediaLabelsContext } from "./labels.ts";
export { MediaImage, type MediaImageProps } from "./media-image.tsx";
export { MediaPart, type MediaPartProps } from "./media-part.tsx";
export type { ImagePhase } from "./use-image-phase.ts";
export { type Uploads, useUploads } from "./use-uploads.ts";
