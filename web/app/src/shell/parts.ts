import { Later } from "./later.ts";

/** Markdown as it reads; until it is there, text shows as it was written. */
export const richText = new Later(() => import("../transcript/rich-text.tsx"));

/** Pictures over the whole window, and those of a conversation side by side. */
export const viewer = new Later(() => import("../viewer/viewer.tsx"));

/** All pictures. */
export const gallery = new Later(() => import("../gallery/pictures-view.tsx"));

/** The comparison with base64. */
export const comparison = new Later(() => import("../compare/compare-page.tsx"));
