import type { UIMessage } from "ai";
import type { MediaReference } from "coatcheck";
import { type GeneratedPicture, Lightbox, MediaGallery } from "coatcheck/react";
import {
  type MouseEvent,
  type ReactNode,
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { CloseIcon, PicturesIcon } from "../shell/icons.tsx";
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
  const dialogRef = useRef<HTMLDialogElement>(null);
  const [isListed, setIsListed] = useState(false);
  const list = () => {
    setIsListed(true);
    dialogRef.current?.showModal();
  };

  return (
    <OpenPictureContext value={openGenerated}>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: each picture has a button that does the same */}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: as above */}
      {/* biome-ignore lint/a11y/noNoninteractiveElementInteractions: as above */}
      <div className="viewer-area" onClick={(event) => openPressed(event, open)}>
        {children}
      </div>
      {pictures.length > 1 && (
        <button type="button" className="viewer-all" data-testid="show-gallery" onClick={list}>
          <PicturesIcon />
          {pictures.length} pictures
        </button>
      )}
      <dialog
        ref={dialogRef}
        className="viewer-gallery"
        aria-label="Pictures of this conversation"
        onClose={() => setIsListed(false)}
      >
        <header className="viewer-gallery-bar">
          <h2>Pictures of this conversation</h2>
          <button
            type="button"
            className="icon-button"
            aria-label="Close"
            onClick={() => dialogRef.current?.close()}
          >
            <CloseIcon />
          </button>
        </header>
        <div className="viewer-gallery-body">
          <MediaGallery
            references={isListed ? pictures : NONE}
            label="Pictures of this conversation"
          />
        </div>
      </dialog>
      <Lightbox
        references={pictures}
        index={index}
        onIndexChange={setIndex}
        onClose={() => setIndex(null)}
      />
    </OpenPictureContext>
  );
}

const NONE: readonly MediaReference[] = [];

/** A press on a finished picture; its retry button and its caption are their own business. */
function openPressed(event: MouseEvent, open: (id: string) => void): void {
  const target = event.target as Element;
  const box = target.closest<HTMLElement>('[data-testid="media-image"]');
  const id = box?.dataset["mediaId"];
  if (id !== undefined && target.closest("button, a") === null) {
    open(id);
  }
}
