import { type SyntheticEvent, use, useCallback, useState } from "react";
import type { MediaReference } from "../core/reference.ts";
import type { RefreshReference } from "../core/refresh.ts";
import { boxSizes } from "../core/source.ts";
import { MediaLabelsContext } from "./labels.ts";
import { LoadFailure } from "./load-failure.tsx";
import { MediaBox } from "./media-box.tsx";
import { useBoxFirst } from "./use-box-first.ts";
import { type Media, useMedia } from "./use-media.ts";
import { useObjectUrl } from "./use-object-url.ts";

/** Props of {@link MediaImage}. */
export interface MediaImageProps {
  readonly reference: MediaReference;
  /** The thumbnail, if its bytes are here already; else it is fetched. */
  readonly thumbnail?: Blob | null;
  /** Overrides the reference's own text; an empty string marks the picture as decoration. */
  readonly alt?: string;
  /** Fetch at once and first: for pictures in view when the page opens. Others load when near. */
  readonly priority?: boolean;
  /**
   * As on `<img>`: how wide the picture is shown, for choosing among the server's widths. By default what
   * its shape and the default looks make of it, or what the browser measures where it loads lazily.
   */
  readonly sizes?: string;
  /** Fetch the original instead of one of the server's widths, as for a reader who looks closer. */
  readonly original?: boolean;
  /** Asks for fresh addresses when these have expired; by default what `MediaRefreshContext` says. */
  readonly refresh?: RefreshReference | null;
}

/**
 * A picture that is there at once: its blur in the first render, its thumbnail as soon as that is
 * decoded, and the picture itself on top of both when it can be painted without a stutter.
 *
 * @param props - The picture, and how it is fetched.
 */
export function MediaImage({ reference, ...rest }: MediaImageProps) {
  // A fresh component for each picture, or the old one's phase would show the new one too early.
  return <OneImage key={`${reference.id} ${reference.url}`} reference={reference} {...rest} />;
}

function OneImage({
  reference: given,
  thumbnail = null,
  alt,
  priority = false,
  sizes,
  original = false,
  refresh,
}: MediaImageProps) {
  const labels = use(MediaLabelsContext);
  // Without its size, the blur is what gives the box its shape.
  const isBoxOnly = useBoxFirst() && given.width !== undefined && !priority;
  const media = useMedia(given, { refresh, original, isBoxOnly });
  const { reference, source, phase, placeholder } = media;
  const description = alt ?? reference.alt ?? reference.displayName ?? labels.untitled;
  const { width, height } = reference;
  const objectUrl = useObjectUrl(thumbnail);
  const thumbnailUrl = thumbnail === null ? reference.thumbnailUrl : (objectUrl ?? undefined);
  const loading = priority ? "eager" : "lazy";
  // As they were at first: other sizes may fetch another width, once a picture is less urgent.
  const [ownSizes] = useState(() => boxSizes(given, loading));

  return (
    <MediaBox
      dimensions={width === undefined || height === undefined ? null : { width, height }}
      aspectRatio={placeholder?.aspectRatio}
      className="coat-image"
      data-testid="media-image"
      data-phase={isBoxOnly ? undefined : phase}
      data-media-id={reference.id}
    >
      {placeholder !== null && (
        <img
          className="coat-layer coat-image-placeholder"
          src={placeholder.dataUrl}
          alt=""
          // A thousand pixels: decoded with the frame that shows the box, not one frame later.
          decoding="sync"
        />
      )}
      {thumbnailUrl !== undefined && !isBoxOnly && (
        <PhasedImage
          key={`thumbnail ${media.attempt}`}
          className="coat-layer coat-image-thumbnail"
          src={thumbnailUrl}
          alt=""
          loading={loading}
          // A few kilobytes that end the blur: ahead of every megabyte on the page.
          fetchPriority="high"
          onReady={media.onThumbnailLoad}
        />
      )}
      {source !== null && phase !== "failed" && !isBoxOnly && (
        <PhasedImage
          key={`full ${media.attempt}`}
          className="coat-layer coat-image-full"
          {...source}
          sizes={sizes ?? ownSizes}
          alt={description}
          loading={loading}
          fetchPriority={priority ? "high" : "auto"}
          onReady={media.onFullLoad}
          onError={media.onFullError}
        />
      )}
      {phase === "failed" && (
        <LoadFailure description={description} retry={source === null ? null : media.retry} />
      )}
    </MediaBox>
  );
}

interface PhasedImageProps {
  readonly className: string;
  readonly src: string;
  readonly srcSet?: string;
  readonly sizes?: string;
  readonly alt: string;
  readonly loading: "eager" | "lazy";
  readonly fetchPriority: "high" | "auto";
  readonly onReady: Media["onFullLoad"];
  readonly onError?: () => void;
}

function PhasedImage(props: PhasedImageProps) {
  const { onReady, onError, src, srcSet, sizes, alt, ...rest } = props;
  // An image from the cache, or in server-rendered markup, may be complete before React listens.
  const adoptComplete = useCallback(
    (image: HTMLImageElement | null) => {
      if (image?.complete === true && image.naturalWidth > 0) {
        onReady({ currentTarget: image });
      }
    },
    [onReady],
  );
  return (
    // biome-ignore lint/a11y/noNoninteractiveElementInteractions: load and error are no interactions
    <img
      {...rest}
      alt={alt}
      // `src` last: a browser begins to fetch when it is set, and the hints must be there by then.
      sizes={srcSet === undefined ? undefined : sizes}
      srcSet={srcSet}
      src={src}
      decoding="async"
      ref={adoptComplete}
      onLoad={(event: SyntheticEvent<HTMLImageElement>) => onReady(event)}
      onError={onError}
    />
  );
}
