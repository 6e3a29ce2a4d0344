import { type ReactNode, use, useMemo } from "react";
import { type Generation, parseGeneration } from "../core/generation.ts";
import { isImage, type MediaReference } from "../core/reference.ts";
import type { RefreshReference } from "../core/refresh.ts";
import { downloadAddress } from "../core/source.ts";
import { FileChip } from "./file-chip.tsx";
import { GenerationDetails } from "./generation-details.tsx";
import { MediaLabelsContext } from "./labels.ts";
import { LegacyPicture } from "./legacy-picture.tsx";
import { MediaImage } from "./media-image.tsx";
import { PictureActions } from "./picture-actions.tsx";
import { Failure, Unfinished } from "./unfinished.tsx";
import { useLastDimensions } from "./use-last-dimensions.ts";
import { useLegacySource } from "./use-legacy-source.ts";

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
  /** Opens the page's viewer; without it there is no button for that. */
  readonly onOpen?: (picture: GeneratedPicture) => void;
  /** Asks for the picture once more; without it a failure has no button for that. */
  readonly onRetry?: () => void;
  /** See `MediaImageProps.refresh`. */
  readonly refresh?: RefreshReference | null;
  /** Rendered last in the caption of a finished picture: what the page itself has to say of it. */
  readonly footer?: (reference: MediaReference) => ReactNode;
}

/**
 * A picture that a tool makes, from the moment it is asked for: its place and its progress, its
 * previews, the picture with what is known of it and what can be done with it, or why there is none.
 */
export function ImageGenerationWidget(props: ImageGenerationWidgetProps) {
  const { toolCall, part } = props;
  const generation = useMemo(() => parseGeneration({ toolCall, part }), [toolCall, part]);
  const { media } = generation;
  const dimensions = useLastDimensions(media);
  const { active = true, onRetry } = props;
  switch (media.state) {
    case "pending":
    case "preview": {
      const draft = media.state === "preview" ? media : NO_DRAFT;
      return (
        <Frame generation={generation}>
          <Unfinished {...draft} dimensions={dimensions ?? generation.requested} active={active} />
        </Frame>
      );
    }
    case "ready":
      return (
        <Frame generation={generation} actions={<ReadyActions {...props} {...media} />}>
          <Ready {...props} {...media} />
        </Frame>
      );
    case "legacy":
      return <Legacy {...props} generation={generation} image={media.image} />;
    case "failed":
      return (
        <Frame generation={generation}>
          <Failure code={media.code} message={media.message} onRetry={onRetry} />
        </Frame>
      );
  }
}

const NO_DRAFT = { progress: null, thumbnailUrl: null, blob: null };

interface FrameProps {
  readonly generation: Generation;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

function Frame({ generation: { media, details }, actions, children }: FrameProps) {
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

type ReadyProps = Extract<Generation["media"], { readonly state: "ready" }> &
  ImageGenerationWidgetProps;

function Ready({ reference, thumbnail, priority = false, refresh }: ReadyProps) {
  return isImage(reference) ? (
    <MediaImage
      reference={reference}
      thumbnail={thumbnail}
      priority={priority}
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

interface LegacyProps extends ImageGenerationWidgetProps {
  readonly generation: Generation;
  readonly image: Extract<Generation["media"], { readonly state: "legacy" }>["image"];
}

function Legacy({ generation, image, onOpen }: LegacyProps) {
  const labels = use(MediaLabelsContext);
  const source = useLegacySource(image.source ?? image.thumbnail);
  const { url, blob } = source;
  const name = image.name ?? labels.untitled;
  const alt = image.alt ?? generation.details.prompt ?? name;
  const actions = url !== null && !source.isBroken && (
    <PictureActions
      name={name}
      download={url}
      image={blob ?? url}
      link={blob === null ? url : null}
      onOpen={onOpen && (() => onOpen({ reference: null, url, alt }))}
    />
  );
  return (
    <Frame generation={generation} actions={actions}>
      <LegacyPicture image={image} source={source} alt={alt} dimensions={generation.requested} />
    </Frame>
  );
}
