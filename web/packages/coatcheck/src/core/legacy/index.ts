/**
 * Pictures as messages carried them before there were references.
 *
 * @module coatcheck/legacy
 */

export { FrameReader, type WorkerLike } from "./frame-reader.ts";
export { type AnyMedia, parseGeneration } from "./generation.ts";
export { decodeInlineImage, type InlineImage, readInlineImage } from "./inline-image.ts";
export { splitMarkdownImages, type TextPiece } from "./markdown-images.ts";
export { type LegacyImage, type Picture, parsePicture } from "./picture.ts";
export { parseToolOutput } from "./tool-output.ts";
