import { createContext } from "react";

/** Every word the components show or speak, so that a page can say it in its own language. */
export interface MediaLabels {
  readonly drawing: string;
  readonly stopped: string;
  readonly loadFailed: string;
  readonly retry: string;
  readonly failed: string;
  readonly download: string;
  readonly untitled: string;
}

/** English labels; override them with {@link MediaLabelsContext}. */
export const defaultLabels: MediaLabels = {
  drawing: "Drawing…",
  stopped: "Stopped before it was finished.",
  loadFailed: "The picture could not be loaded.",
  retry: "Try again",
  failed: "No picture this time",
  download: "Download",
  untitled: "Untitled",
};

export const MediaLabelsContext = createContext<MediaLabels>(defaultLabels);
