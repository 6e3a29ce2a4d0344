import { isImage, type MediaReference } from "coatcheck";
import { FileChip, MediaGallery } from "coatcheck/react";
import { useCallback, useEffect, useMemo } from "react";
import { FullPageNotice, UnreachableServer } from "../conversations/full-page-notice.tsx";
import { conversationPath } from "../conversations/route.ts";
import { ConversationIcon, PicturesIcon } from "../shell/icons.tsx";
import { onPlainClick } from "../shell/plain-click.ts";
import type { ListedMedia } from "./api.ts";
import { GallerySkeleton } from "./gallery-skeleton.tsx";
import type { MediaPages } from "./use-media-pages.ts";

export interface PicturesViewProps {
  readonly pages: MediaPages;
  readonly onOpen: (conversationId: string, messageId?: string) => void;
  readonly onStartNew: () => void;
}

/** Every picture that was drawn or handed in, newest first, whichever conversation it is from. */
export function PicturesView({ pages, onOpen, onStartNew }: PicturesViewProps) {
  const { status, detail, media, more, loadMore, refresh } = pages;
  const { pictures, files, places } = useMemo(() => sorted(media), [media]);

  // Where a page has files alone, nothing is scrolled that would ask for the next one.
  const seeksPictures = pictures.length === 0 && more === "idle";
  useEffect(() => {
    if (seeksPictures) {
      loadMore();
    }
  }, [seeksPictures, loadMore]);
  const loadOlder = useCallback(() => {
    // What failed waits for the reader.
    if (more === "idle") {
      loadMore();
    }
  }, [more, loadMore]);

  const actions = useCallback(
    ({ id }: MediaReference) => <PlaceLink place={places.get(id)} onOpen={onOpen} />,
    [places, onOpen],
  );

  if (status === "failed") {
    return <UnreachableServer what="pictures" detail={detail} onRetry={refresh} />;
  }
  if (status === "loading" || (pictures.length === 0 && more === "loading")) {
    return <GallerySkeleton />;
  }
  if (media.length === 0) {
    return (
      <FullPageNotice
        title="No pictures yet"
        icon={<PicturesIcon />}
        role="status"
        action="Start a new chat"
        onAction={onStartNew}
      >
        What is drawn in a chat hangs here, and so does every picture that you hand in.
      </FullPageNotice>
    );
  }
  return (
    <div className="pictures" data-testid="pictures">
      {files.length > 0 && (
        <ul className="pictures-files" aria-label="Files">
          {files.map((reference) => (
            <li key={reference.id}>
              <FileChip reference={reference} />
            </li>
          ))}
        </ul>
      )}
      <div className="pictures-body">
        <MediaGallery
          references={pictures}
          label="All pictures"
          onEndReached={loadOlder}
          renderActions={actions}
        />
      </div>
      <p className="visually-hidden" role="status">
        {`${more === null ? "" : "More than "}${pictures.length} pictures`}
      </p>
      <More more={more} onRetry={loadMore} />
    </div>
  );
}

interface MoreProps {
  readonly more: MediaPages["more"];
  readonly onRetry: () => void;
}

function More({ more, onRetry }: MoreProps) {
  if (more === "failed") {
    return (
      <div className="pictures-more" role="alert">
        Older pictures could not be read.
        <button type="button" className="text-button" onClick={onRetry}>
          Try again
        </button>
      </div>
    );
  }
  return more === "loading" ? <p className="pictures-more">Loading older pictures…</p> : null;
}

interface PlaceLinkProps {
  readonly place: Place | undefined;
  readonly onOpen: (conversationId: string, messageId?: string) => void;
}

/** Leads from a picture to where it was said. */
function PlaceLink({ place, onOpen }: PlaceLinkProps) {
  if (place === undefined) {
    return null;
  }
  const { conversationId, messageId } = place;
  return (
    <a
      className="coat-lightbox-tool"
      href={conversationPath(conversationId, messageId)}
      aria-label="Show in its conversation"
      title="Show in its conversation"
      onClick={onPlainClick(() => onOpen(conversationId, messageId))}
    >
      <ConversationIcon />
    </a>
  );
}

interface Place {
  readonly conversationId: string;
  readonly messageId?: string;
}

function sorted(media: readonly ListedMedia[]) {
  const references = media.map(({ reference }) => reference);
  const places = new Map<string, Place>();
  for (const { reference, conversationId, messageId } of media) {
    if (conversationId !== null) {
      places.set(
        reference.id,
        messageId === null ? { conversationId } : { conversationId, messageId },
      );
    }
  }
  return {
    pictures: references.filter(isImage),
    files: references.filter((reference) => !isImage(reference)),
    places,
  };
}
