import { type ReactNode, use } from "react";
import type { Generation } from "../core/generation.ts";
import type { LegacyImage } from "../core/legacy/picture.ts";
import type { MediaState } from "../core/media-state.ts";
import { isImage, type MediaReference } from "../core/reference.ts";
import type { RefreshReference } from "../core/refresh.ts";
import { downloadAddress } from "../core/source.ts";
import { FileChip } from "./file-chip.tsx";
import { GenerationDetails } from "./generation-details.tsx";
import { MediaLabelsContext } from "./labels.ts";
import { MediaImage } from "./media-image.tsx";
import { PictureActions } from "./picture-actions.tsx";
import { Failure, Unfinished } from "./unfinished.tsx";
import { useLastDimensions } from "./use-last-dimensions.ts";

/** A finished picture, as the widget hands it to the page's viewer. */
export interface GeneratedPicture {
  /** Null for a picture from before there were references. */
  readonly reference: MediaReference | null;
  /** Where the pixels are: on a server, or in this page as long as the widget is shown. */
  readonly url: string;
  readonly alt: string;
}

/** Props of {@link ImageGenerationWidget}. At least one of `toolCall` and `part` says what to show. */
export interface ImageGenerationWidgetProps {
  /** The tool part behind the picture: what was asked for, and the output in any shape there ever was. */
  readonly toolCall?: unknown;
  /** The picture's `data-media` part, or the tool part where that is all there is. */
  readonly part?: unknown;
  /** Whether the message is still being written. If not, an unfinished picture will stay unfinished. */
  readonly active?: boolean;
  /** See `MediaImageProps.priority`. */
  readonly priority?: boolean;
  /** How wide a picture is shown, for choosing among the server's widths; `boxSizes` with your limits. */
  readonly sizes?: (reference: MediaReference) => string;
  /** Opens the page's viewer; without it there is no button for that. */
  readonly onOpen?: (picture: GeneratedPicture) => void;
  /** Asks for the picture once more; without it a failure has no button for that. */
  readonly onRetry?: () => void;
  /** See `MediaImageProps.refresh`. */
  readonly refresh?: RefreshReference | null;
  /** Rendered last in the caption of a finished picture: what the page itself has to say of it. */
  readonly footer?: (reference: MediaReference) => ReactNode;
}

interface GeneratedPartProps extends ImageGenerationWidgetProps {
  readonly generation: Generation<MediaState>;
}

/** A picture that has a reference, will have one, or has failed. */
export function GeneratedPart(props: GeneratedPartProps) {
  const { generation, active = true, onRetry } = props;
  const { media } = generation;
  const dimensions = useLastDimensions(media);
  switch (media.state) {
    case "pending":
    case "preview": {
      const draft = media.state === "preview" ? media : NO_DRAFT;
      return (
        <GenerationFrame generation={generation}>
          <Unfinished {...draft} dimensions={dimensions ?? generation.requested} active={active} />
        </GenerationFrame>
      );
    }
    case "ready":
      return (
        <GenerationFrame generation={generation} actions={<ReadyActions {...props} {...media} />}>
          <Ready {...props} {...media} />
        </GenerationFrame>
      );
    case "failed":
      return (
        <GenerationFrame generation={generation}>
          <Failure code={media.code} message={media.message} onRetry={onRetry} />
        </GenerationFrame>
      );
  }
}

const NO_DRAFT = { progress: null, thumbnailUrl: null, blob: null };

interface FrameProps {
  readonly generation: Generation<WidgetMedia>;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

/** A picture in whichever state, with what is known of it. */
export function GenerationFrame({ generation: { media, details }, actions, children }: FrameProps) {
  return (
    <figure className="coat-figure coat-widget" data-testid="media-widget" data-state={media.state}>
      {children}
      <figcaption className="coat-caption">
        <GenerationDetails media={media} details={details} />
        {actions}
      </figcaption>
    </figure>
  );
}

type ReadyProps = Extract<MediaState, { readonly state: "ready" }> & ImageGenerationWidgetProps;

function Ready({ reference, thumbnail, priority = false, sizes, refresh }: ReadyProps) {
  return isImage(reference) ? (
    <MediaImage
      reference={reference}
      thumbnail={thumbnail}
      priority={priority}
      {...(sizes === undefined ? {} : { sizes: sizes(reference) })}
      {...(refresh === undefined ? {} : { refresh })}
    />
  ) : (
    <FileChip reference={reference} />
  );
}

function ReadyActions({ reference, onOpen, footer }: ReadyProps) {
  const labels = use(MediaLabelsContext);
  const { url, displayName = labels.untitled } = reference;
  const alt = reference.alt ?? displayName;
  return (
    <>
      {url !== undefined && isImage(reference) && (
        <PictureActions
          name={displayName}
          download={downloadAddress(reference)}
          image={reference}
          link={url}
          onOpen={onOpen && (() => onOpen({ reference, url, alt }))}
        />
      )}
      {footer?.(reference)}
    </>
  );
}

/** What the frame can be about; an old picture has an image once it is read. */
export type WidgetMedia = MediaState | { readonly state: "legacy"; readonly image?: LegacyImage };
