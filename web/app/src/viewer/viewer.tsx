import type { MediaReference } from "coatcheck";
import { Lightbox, type LightboxProps, MediaGallery } from "coatcheck/react";
import { useLayoutEffect, useRef } from "react";
import { CloseIcon } from "../shell/icons.tsx";

interface PictureListProps {
  readonly pictures: readonly MediaReference[];
  readonly onClose: () => void;
}

/** All pictures of a conversation over the whole window, for as long as it is there. */
export function PictureList({ pictures, onClose }: PictureListProps) {
  const dialogRef = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const dialog = dialogRef.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={dialogRef}
      className="viewer-gallery"
      aria-label="Pictures of this conversation"
      onClose={({ currentTarget }) => {
        // Strict mode closes and opens it again before the event of the first comes.
        if (!currentTarget.open) {
          onClose();
        }
      }}
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
        <MediaGallery references={pictures} label="Pictures of this conversation" />
      </div>
    </dialog>
  );
}

/** One picture over the whole window. */
export function PictureLightbox(props: LightboxProps) {
  return <Lightbox {...props} />;
}
