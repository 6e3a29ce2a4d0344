import { useMemo } from "react";
import { parseMediaState } from "../core/media-state.ts";
import { isImage, type MediaReference } from "../core/reference.ts";
import { FileChip } from "./file-chip.tsx";
import { MediaImage } from "./media-image.tsx";
import { Failure, Unfinished } from "./unfinished.tsx";
import { useLastDimensions } from "./use-last-dimensions.ts";

/** Props of {@link MediaPart}. */
export interface MediaPartProps {
  /** The `data` of an AI SDK `data-media` part, as it came. */
  readonly data: unknown;
  /** Whether the message is still being written. If not, an unfinished picture will stay unfinished. */
  readonly active?: boolean;
  /** See `MediaImageProps.priority`. */
  readonly priority?: boolean;
  /** How wide a picture is shown, for choosing among the server's widths; `boxSizes` with your limits. */
  readonly sizes?: (reference: MediaReference) => string;
}

/**
 * A `data-media` part of a message in whichever state it is in, and nothing around it.
 *
 * @param props - The part's data, and what the message is doing.
 */
export function MediaPart({ data, active = true, priority = false, sizes }: MediaPartProps) {
  const media = useMemo(() => parseMediaState(data), [data]);
  const dimensions = useLastDimensions(media);

  switch (media.state) {
    case "pending":
      return (
        <Unfinished
          dimensions={dimensions}
          active={active}
          progress={null}
          thumbnailUrl={null}
          blob={null}
        />
      );
    case "preview":
      return (
        <Unfinished
          dimensions={dimensions}
          active={active}
          progress={media.progress}
          thumbnailUrl={media.thumbnailUrl}
          blob={media.blob}
        />
      );
    case "ready":
      return isImage(media.reference) ? (
        <figure className="coat-figure">
          <MediaImage
            reference={media.reference}
            thumbnail={media.thumbnail}
            priority={priority}
            {...(sizes === undefined ? {} : { sizes: sizes(media.reference) })}
          />
        </figure>
      ) : (
        <FileChip reference={media.reference} />
      );
    case "failed":
      return <Failure code={media.code} message={media.message} />;
  }
}
