import { createContext } from "react";

/** Every word that the lightbox and the gallery show or speak. */
export interface ViewerLabels {
  readonly viewer: string;
  readonly close: string;
  readonly next: string;
  readonly previous: string;
  readonly zoomIn: string;
  readonly zoomOut: string;
  readonly fit: string;
  readonly download: string;
  readonly copy: string;
  readonly copied: string;
  readonly copyFailed: string;
  readonly gallery: string;
  readonly noMedia: string;
  readonly untitled: string;
  /** Where one is among all, counted from 1: "3 of 12". */
  readonly position: (index: number, count: number) => string;
}

/** English labels; override them with {@link ViewerLabelsContext}. */
export const defaultViewerLabels: ViewerLabels = {
  viewer: "Picture viewer",
  close: "Close",
  next: "Next picture",
  previous: "Previous picture",
  zoomIn: "Zoom in",
  zoomOut: "Zoom out",
  fit: "Fit to the window",
  download: "Download",
  copy: "Copy picture",
  copied: "Copied.",
  copyFailed: "The picture could not be copied.",
  gallery: "Gallery",
  noMedia: "No pictures yet.",
  untitled: "Untitled",
  position: (index, count) => `${index} of ${count}`,
};

/** What gallery and viewer say, for those below a provider; English by default. */
export const ViewerLabelsContext = createContext<ViewerLabels>(defaultViewerLabels);
