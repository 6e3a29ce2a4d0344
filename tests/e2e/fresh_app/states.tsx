import type { MediaReference } from "coatcheck";
import { ImageGenerationWidget } from "coatcheck/react";

const media = (data: object) => ({ type: "data-media", id: "m", data });
const tool = (fields: object) => ({ type: "tool-generate_image", toolCallId: "call", ...fields });
const input = { prompt: "a lighthouse at dusk", size: "1600x900", model: "procedural" };
const asked = tool({ state: "input-available", input });

/** The widget in each of its states; `data-case` names them for the tests. */
export function States({ reference }: { reference: MediaReference }) {
  const { thumbnailUrl, url } = reference;
  const missing = { ...reference, url: "/api/media/image/missing", thumbnailUrl: undefined };
  const preview = media({ state: "preview", progress: 0.4, thumbnailUrl });
  const cases = {
    pending: <ImageGenerationWidget toolCall={asked} />,
    stopped: <ImageGenerationWidget toolCall={asked} active={false} />,
    preview: <ImageGenerationWidget toolCall={asked} part={preview} />,
    ready: (
      <ImageGenerationWidget
        toolCall={asked}
        part={media({ state: "ready", reference })}
        onOpen={() => undefined}
      />
    ),
    failed: (
      <ImageGenerationWidget
        toolCall={tool({ state: "output-error", input, errorText: "The provider is too busy." })}
        onRetry={() => undefined}
      />
    ),
    unloadable: <ImageGenerationWidget part={media({ state: "ready", reference: missing })} />,
    legacy: (
      <ImageGenerationWidget
        part={tool({ state: "output-available", input, output: { imageUrl: url } })}
      />
    ),
    broken: (
      <ImageGenerationWidget
        part={tool({
          state: "output-available",
          input,
          output: { imageData: `iVBORw0KGgo${"A".repeat(60)}*` },
        })}
      />
    ),
  };
  return Object.entries(cases).map(([name, widget]) => (
    <section key={name} data-case={name}>
      {widget}
    </section>
  ));
}
