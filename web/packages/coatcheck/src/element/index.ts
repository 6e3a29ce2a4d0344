/**
 * The custom element `<coat-image>`. Call `defineCoatImage()` once; importing it does nothing.
 *
 * @module coatcheck/element
 */

export { CoatImage, type CoatImageLabels } from "./coat-image.ts";
export { defineCoatImage } from "./define.ts";
