import { CoatImage } from "./coat-image.ts";

/** Makes `<coat-image>` known to the document, under that name unless told another. */
export function defineCoatImage(name = "coat-image"): void {
  if (customElements.get(name) === undefined) {
    // A class can be defined under one name only.
    customElements.define(name, name === "coat-image" ? CoatImage : class extends CoatImage {});
  }
}
