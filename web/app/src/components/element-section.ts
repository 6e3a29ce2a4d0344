import { type CoatImage, defineCoatImage } from "coatcheck/element";
import { MISSING, SAMPLES } from "./samples.ts";

/** Gives the elements in the page's own markup their pictures, as a page without React would. */
export function fillElements(): void {
  defineCoatImage();
  for (const element of document.querySelectorAll<CoatImage>("coat-image[data-sample]")) {
    switch (element.dataset["sample"]) {
      case "whale":
        element.setAttribute("reference", JSON.stringify(SAMPLES.whale));
        break;
      case "missing":
        element.reference = MISSING;
        break;
      default:
        element.setAttribute("thumbnail", SAMPLES.lake.thumbnailUrl ?? "");
        element.setAttribute("src", SAMPLES.lake.url ?? "");
    }
  }
}
