import { createContext } from "react";

/** Opens the picture with this id in the lightbox. */
export const OpenPictureContext = createContext<(id: string) => void>(() => undefined);
