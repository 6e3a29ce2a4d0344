import type { GeneratedPicture } from "coatcheck/react";
import { createContext } from "react";

/** Opens a picture of the transcript in the lightbox. */
export const OpenPictureContext = createContext<(picture: GeneratedPicture) => void>(
  () => undefined,
);
