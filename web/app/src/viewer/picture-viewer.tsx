import type { UIMessage } from "ai";
import type { GeneratedPicture } from "coatcheck/react";
import {
  type MouseEvent,
  type ReactNode,
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { PicturesIcon } from "../shell/icons.tsx";
import { type LoadFailure, reloadPage, useLater } from "../shell/later.ts";
import { viewer } from "../shell/parts.ts";
import { OpenPictureContext } from "./open-picture.ts";
import { picturesIn } from "./pictures.ts";

interface PictureViewerProps {
  readonly messages: readonly UIMessage[];
  readonly children: ReactNode;
}

/** Lets the pictures of a conversation be looked at: one at a time, or all of them. */
export function PictureViewer({ messages, children }: PictureViewerProps) {
  const pictures = useMemo(() => picturesIn(messages), [messages]);
  const [index, setIndex] = useState<number | null>(null);
  const latest = useRef(pictures);
  useEffect(() => {
    latest.current = pictures;
  }, [pictures]);
  // The same functions for good: every picture in the transcript depends on them.
  const open = useCallback((id: string) => {
    const found = latest.current.findIndex((reference) => reference.id === id);
    setIndex(found < 0 ? null : found);
  }, []);
  const openGenerated = useCallback(
    ({ reference, url }: GeneratedPicture) => {
      if (reference === null) {
        // From before there were references: the lightbox shows nothing else.
        window.open(url, "_blank", "noopener");
      } else {
        open(reference.id);
      }
    },
    [open],
  );
  const [isListed, setIsListed] = useState(false);
  const [failure, setFailure] = useState<LoadFailure | null>(null);
  const giveUp = useCallback((reason: LoadFailure) => {
    setIndex(null);
    setIsListed(false);
    setFailure(reason);
  }, []);
  const wanted = index !== null || isListed;
  const loaded = useLater(viewer, { wanted, onFailure: giveUp });
  if (wanted && failure !== null) {
    setFailure(null);
  }

  return (
    <OpenPictureContext value={openGenerated}>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: each picture has a button that does the same */}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: as above */}
      {/* biome-ignore lint/a11y/noNoninteractiveElementInteractions: as above */}
      <div className="viewer-area" onClick={(event) => openPressed(event, open)}>
        {children}
      </div>
      {failure !== null && <ViewerFailure failure={failure} />}
      {pictures.length > 1 && (
        <button
          type="button"
          className="viewer-all"
          data-testid="show-gallery"
          onClick={() => setIsListed(true)}
        >
          <PicturesIcon />
          {pictures.length} pictures
        </button>
      )}
      {loaded !== null && isListed && (
        <loaded.PictureList pictures={pictures} onClose={() => setIsListed(false)} />
      )}
      {loaded !== null && (
        <loaded.PictureLightbox
          references={pictures}
          index={index}
          onIndexChange={setIndex}
          onClose={() => setIndex(null)}
        />
      )}
    </OpenPictureContext>
  );
}

function ViewerFailure({ failure }: { readonly failure: LoadFailure }) {
  return (
    <p className="viewer-failed" role="alert">
      {failure === "outdated" ? (
        <>
          The server has a new page.{" "}
          <button type="button" className="text-button" onClick={reloadPage}>
            Reload
          </button>
        </>
      ) : (
        "The viewer could not be loaded. Try again."
      )}
    </p>
  );
}

/** A press on a finished picture; its retry button and its caption are their own business. */
function openPressed(event: MouseEvent, open: (id: string) => void): void {
  const target = event.target as Element;
  const box = target.closest<HTMLElement>('[data-testid="media-image"]');
  const id = box?.dataset["mediaId"];
  if (id !== undefined && target.closest("button, a") === null) {
    open(id);
  }
}
