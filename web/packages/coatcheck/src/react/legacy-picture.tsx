import { use } from "react";
import type { LegacyImage } from "../core/legacy/picture.ts";
import type { Dimensions } from "../core/media-state.ts";
import { MediaLabelsContext } from "./labels.ts";
import { LoadFailure } from "./load-failure.tsx";
import { MediaBox } from "./media-box.tsx";
import { type LegacySource, useLegacySource } from "./use-legacy-source.ts";
import { useLoading } from "./use-loading.ts";

interface LegacyPictureProps {
  readonly image: LegacyImage;
  readonly source: LegacySource;
  readonly alt: string;
  /** The size that was asked for, where the picture does not say its own. */
  readonly dimensions: Dimensions | null;
}

/** A picture from before there were references, with a box as good as what is known of its size. */
export function LegacyPicture({ image, source, alt, dimensions }: LegacyPictureProps) {
  const labels = use(MediaLabelsContext);
  const thumbnail = useLegacySource(image.thumbnail);
  const { state, natural, attempt, onLoad, onError, retry } = useLoading();
  const isFailed = source.isBroken || state === "failed";
  const before = thumbnail.url === null ? "placeholder" : "thumbnail";
  const loaded = state === "loading" ? before : state;
  return (
    <MediaBox
      dimensions={image.dimensions ?? natural ?? dimensions}
      className="coat-image"
      data-testid="legacy-image"
      data-phase={isFailed ? "failed" : loaded}
    >
      {thumbnail.url !== null && (
        <img className="coat-layer coat-image-thumbnail" src={thumbnail.url} alt="" />
      )}
      {source.url !== null && !isFailed && (
        // biome-ignore lint/a11y/noNoninteractiveElementInteractions: load and error are no interactions
        <img
          key={attempt}
          className="coat-layer coat-image-full"
          alt={alt}
          loading="lazy"
          decoding="async"
          src={source.url}
          onLoad={onLoad}
          onError={onError}
        />
      )}
      {source.url === null && !isFailed && (
        <p className="coat-status" role="status">
          {labels.loading}
        </p>
      )}
      {isFailed ? <LoadFailure description={alt} retry={source.isBroken ? null : retry} /> : null}
    </MediaBox>
  );
}
