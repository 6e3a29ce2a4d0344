import {
  FileChip,
  ImageGenerationWidget,
  Lightbox,
  MediaGallery,
  MediaImage,
  MediaPart,
} from "coatcheck/react";
import { type ReactNode, useId, useMemo, useState } from "react";
import { MISSING, manySamples, OLD_PICTURE, SAMPLES } from "./samples.ts";

/** The React parts, one section each. */
export function ComponentsPage() {
  return (
    <>
      <Section title="MediaImage" testId="section-image">
        <Example caption="Painted">
          <MediaImage reference={SAMPLES.lake} priority={true} />
        </Example>
        <Example caption="Failed: the picture is gone">
          <MediaImage reference={MISSING} priority={true} />
        </Example>
      </Section>
      <Section title="MediaPart" testId="section-part">
        <Example caption="Pending">
          <MediaPart data={{ state: "pending", width: 1024, height: 768 }} />
        </Example>
        <Example caption="Preview">
          <MediaPart data={PREVIEW} />
        </Example>
        <Example caption="Stopped">
          <MediaPart data={{ state: "pending", width: 1024, height: 768 }} active={false} />
        </Example>
        <Example caption="Failed">
          <MediaPart data={FAILED} />
        </Example>
        <Example caption="No picture">
          <FileChip
            reference={{ ...SAMPLES.lake, mimeType: "application/pdf", displayName: "report.pdf" }}
          />
        </Example>
      </Section>
      <WidgetSection />
      <LightboxSection />
      <GallerySection />
    </>
  );
}

const PREVIEW = {
  state: "preview",
  width: 1024,
  height: 768,
  progress: 0.6,
  thumbnailUrl: SAMPLES.lighthouse.thumbnailUrl,
};

const FAILED = {
  state: "failed",
  error: { code: "provider_unavailable", message: "The model did not answer in time." },
};

const DRAW = {
  type: "tool-generate_image",
  toolCallId: "call_1",
  state: "input-available",
  input: { prompt: "a lighthouse at dusk" },
};

const DRAWN = {
  ...DRAW,
  state: "output-available",
  output: {
    success: true,
    data: {
      imageReference: SAMPLES.lighthouse,
      prompt: "a lighthouse at dusk",
      model: "procedural",
      size: "1024x768",
      timestamp: "2026-11-24T12:00:00+00:00",
    },
  },
};

function WidgetSection() {
  const [tries, setTries] = useState(0);
  return (
    <Section title="ImageGenerationWidget" testId="section-widget">
      <Example caption="Asked for">
        <ImageGenerationWidget
          toolCall={DRAW}
          part={{ type: "data-media", data: { state: "pending", width: 1024, height: 768 } }}
        />
      </Example>
      <Example caption="Preview">
        <ImageGenerationWidget toolCall={DRAW} part={{ type: "data-media", data: PREVIEW }} />
      </Example>
      <Example caption="Ready">
        <ImageGenerationWidget toolCall={DRAWN} />
      </Example>
      <Example caption={`Failed, tried again ${tries} times`}>
        <ImageGenerationWidget
          toolCall={DRAW}
          part={{ type: "data-media", data: FAILED }}
          onRetry={() => setTries(tries + 1)}
        />
      </Example>
      <Example caption="From an old conversation: base64 in the result">
        <ImageGenerationWidget
          toolCall={{ ...DRAW, state: "output-available", output: { imageData: OLD_PICTURE } }}
        />
      </Example>
    </Section>
  );
}

function LightboxSection() {
  const [index, setIndex] = useState<number | null>(null);
  const pictures = useMemo(() => [...Object.values(SAMPLES), MISSING], []);
  return (
    <Section title="Lightbox" testId="section-lightbox">
      <button
        type="button"
        className="button"
        data-testid="open-lightbox"
        onClick={() => setIndex(0)}
      >
        Open five pictures, one of them missing
      </button>
      <Lightbox
        references={pictures}
        index={index}
        onIndexChange={setIndex}
        onClose={() => setIndex(null)}
      />
    </Section>
  );
}

function GallerySection() {
  const [layout, setLayout] = useState<"justified" | "grid">("justified");
  const pictures = useMemo(() => manySamples(10_000), []);
  return (
    <Section title="MediaGallery: ten thousand" testId="section-gallery">
      <button
        type="button"
        className="button"
        onClick={() => setLayout(layout === "grid" ? "justified" : "grid")}
      >
        {layout === "grid" ? "Justified rows" : "Grid of squares"}
      </button>
      <div className="parts-gallery">
        <MediaGallery references={pictures} layout={layout} />
      </div>
      <div className="parts-empty">
        <MediaGallery references={[]} />
      </div>
    </Section>
  );
}

interface SectionProps {
  readonly title: string;
  readonly testId: string;
  readonly children: ReactNode;
}

function Section({ title, testId, children }: SectionProps) {
  const id = useId();
  return (
    <section className="parts-section" aria-labelledby={id} data-testid={testId}>
      <h2 id={id}>{title}</h2>
      <div className="parts-row">{children}</div>
    </section>
  );
}

interface ExampleProps {
  readonly caption: string;
  readonly children: ReactNode;
}

function Example({ caption, children }: ExampleProps) {
  return (
    <figure>
      {children}
      <figcaption>{caption}</figcaption>
    </figure>
  );
}
