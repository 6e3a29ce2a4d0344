import { use, useMemo } from "react";
import type { Generation } from "../core/generation.ts";
import { type AnyMedia, parseGeneration } from "../core/legacy/generation.ts";
import type { LegacyImage } from "../core/legacy/picture.ts";
import {
  GeneratedPart,
  GenerationFrame,
  type ImageGenerationWidgetProps,
} from "./generated-part.tsx";
import { MediaLabelsContext } from "./labels.ts";
import { LegacyPicture } from "./legacy-picture.tsx";
import { PictureActions } from "./picture-actions.tsx";
import { useLegacySource } from "./use-legacy-source.ts";

/** What `ImageGenerationWidget` shows for an output in any form. Loaded when there is an old one. */
export function LegacyPart(props: ImageGenerationWidgetProps) {
  const { toolCall, part } = props;
  const generation = useMemo(() => parseGeneration({ toolCall, part }), [toolCall, part]);
  const { media } = generation;
  return media.state === "legacy" ? (
    <OldPicture {...props} generation={generation} image={media.image} />
  ) : (
    <GeneratedPart {...props} generation={{ ...generation, media }} />
  );
}

interface LegacyProps extends ImageGenerationWidgetProps {
  readonly generation: Generation<AnyMedia>;
  readonly image: LegacyImage;
}

function OldPicture({ generation, image, onOpen }: LegacyProps) {
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
    <GenerationFrame generation={generation} actions={actions}>
      <LegacyPicture image={image} source={source} alt={alt} dimensions={generation.requested} />
    </GenerationFrame>
  );
}
