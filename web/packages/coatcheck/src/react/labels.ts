import { createContext } from "react";

/** Every word the components show or speak, so that a page can say it in its own language. */
export interface MediaLabels {
  readonly drawing: string;
  readonly stopped: string;
  readonly loading: string;
  readonly loadFailed: string;
  readonly retry: string;
  readonly failed: string;
  readonly download: string;
  readonly untitled: string;
  readonly open: string;
  readonly copyImage: string;
  readonly copyLink: string;
  /** Said after either of them. */
  readonly copied: string;
  readonly notCopied: string;
  /** Names the buttons under a picture as a group. */
  readonly actions: string;
  readonly model: string;
  readonly size: string;
  /** How many bytes the original has. */
  readonly weight: string;
  readonly time: string;
}

/** English labels; override them with {@link MediaLabelsContext}. */
export const defaultLabels: MediaLabels = {
  drawing: "Drawing…",
  stopped: "Stopped before it was finished.",
  loading: "Loading…",
  loadFailed: "The picture could not be loaded.",
  retry: "Try again",
  failed: "No picture this time",
  download: "Download",
  untitled: "Untitled",
  open: "Open",
  copyImage: "Copy image",
  copyLink: "Copy link",
  copied: "Copied",
  notCopied: "Could not be copied",
  actions: "Picture",
  model: "Model",
  size: "Size",
  weight: "File size",
  time: "Made",
};

/** What the components say, for those below a provider; English by default. */
export const MediaLabelsContext = createContext<MediaLabels>(defaultLabels);
