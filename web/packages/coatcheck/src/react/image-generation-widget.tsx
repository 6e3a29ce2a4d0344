import { use, useMemo } from "react";
import { type Generation, type LegacyMedia, parseGeneration } from "../core/generation.ts";
import {
  GeneratedPart,
  GenerationFrame,
  type ImageGenerationWidgetProps,
} from "./generated-part.tsx";
import { MediaLabelsContext } from "./labels.ts";
import { LoadFailure } from "./load-failure.tsx";
import { MediaBox } from "./media-box.tsx";
import { useLegacy } from "./use-legacy.ts";

/**
 * A picture that a tool makes, from the moment it is asked for: its place and its progress, its
 * previews, the picture with what is known of it and what can be done with it, or why there is none.
 *
 * @param props - What the chat tells of the picture, and what can be done with it.
 */
export function ImageGenerationWidget(props: ImageGenerationWidgetProps) {
  const { toolCall, part } = props;
  const generation = useMemo(() => parseGeneration({ toolCall, part }), [toolCall, part]);
  const { media } = generation;
  return media.state === "legacy" ? (
    <LegacyGeneration {...props} generation={{ ...generation, media }} />
  ) : (
    <GeneratedPart {...props} generation={{ ...generation, media }} />
  );
}

interface LegacyGenerationProps extends ImageGenerationWidgetProps {
  readonly generation: Generation<LegacyMedia>;
}

/** An output that is read by what is loaded when there is one. */
function LegacyGeneration({ generation, ...props }: LegacyGenerationProps) {
  const labels = use(MediaLabelsContext);
  const { legacy, retry } = useLegacy();
  if (typeof legacy !== "string") {
    return <legacy.LegacyPart {...props} />;
  }
  return (
    <GenerationFrame generation={generation}>
      <MediaBox dimensions={generation.requested} className="coat-image">
        {legacy === "failed" ? (
          <LoadFailure description={generation.details.prompt ?? labels.untitled} retry={retry} />
        ) : (
          <p className="coat-status" role="status">
            {labels.loading}
          </p>
        )}
      </MediaBox>
    </GenerationFrame>
  );
}
