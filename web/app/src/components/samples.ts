// biome-ignore-all lint/security/noSecrets: placeholders look like secrets, and are none
import type { MediaReference } from "coatcheck";
import castle from "./samples/castle.webp";
import castleThumbnail from "./samples/castle-thumbnail.webp";
import lake from "./samples/lake.webp";
import lakeThumbnail from "./samples/lake-thumbnail.webp";
import lighthouse from "./samples/lighthouse.webp";
import lighthouseThumbnail from "./samples/lighthouse-thumbnail.webp";
import whale from "./samples/whale.webp";
import whaleThumbnail from "./samples/whale-thumbnail.webp";

type Sample = Pick<
  Required<MediaReference>,
  "alt" | "width" | "height" | "size" | "placeholder" | "url" | "thumbnailUrl"
>;

/** Pictures that the page brings along, so that it needs no store. */
export const SAMPLES = {
  lighthouse: reference(1, {
    alt: "a lighthouse at dusk",
    width: 1024,
    height: 768,
    size: 17_368,
    placeholder: "X1gGLYZhWojKaXiweTd1h3aXgJcJ",
    url: lighthouse,
    thumbnailUrl: lighthouseThumbnail,
  }),
  castle: reference(2, {
    alt: "a castle in the hills",
    width: 768,
    height: 1024,
    size: 11_264,
    placeholder: "6ecNLQJpd453B3h3eHlnZ3qAuQcO",
    url: castle,
    thumbnailUrl: castleThumbnail,
  }),
  lake: reference(3, {
    alt: "a mountain lake at sunrise",
    width: 1280,
    height: 720,
    size: 30_602,
    placeholder: "JygKFIJDh4efiIh1h4U2UHNzBw==",
    url: lake,
    thumbnailUrl: lakeThumbnail,
  }),
  whale: reference(4, {
    alt: "a whale in the sea at night",
    width: 1024,
    height: 1024,
    size: 18_156,
    placeholder: "mCYGDwJiSHmZeGiQiFd3d4mXVQ1Tdo0A",
    url: whale,
    thumbnailUrl: whaleThumbnail,
  }),
} as const;

/** A reference to a picture that does not exist. */
export const MISSING: MediaReference = {
  ...SAMPLES.castle,
  ...identity(5),
  url: "/assets/missing.webp",
  thumbnailUrl: "/assets/missing-thumbnail.webp",
};

/** A picture as old results held it: base64 of a PNG of 48×48. */
export const OLD_PICTURE =
  "iVBORw0KGgoAAAANSUhEUgAAADAAAAAwCAIAAADYYG7QAAAAsElEQVR42u3OaQoBAQCGYed8jyBZxtj3fWeMbaxJkiRJkiRJkmO5hV/fc4LH9cX7wffG/yLwxHgQvGPeCF0JX4iciZ6IHYkfSOxJ7khtSW/IrMmuyC3JLyjMKE4oOZSHVPpUbWoW9TaNJs06rSrtMp0iVp5uFjtNL0k/ziDKMMzIxDEY+5l4mXqYuZm7FFJIIYUUUkghhRRSSCGFFFJIIYUUUkghhRRSSCGFFFLof6EfAUI9RAGeWYsAAAAASUVORK5CYII=";

/** Any number of references with addresses of their own; the pictures repeat. */
export function manySamples(count: number): MediaReference[] {
  const samples = Object.values(SAMPLES);
  return Array.from({ length: count }, (_, index) => {
    const sample = samples[(index * 7 + (index >> 3)) % samples.length] ?? SAMPLES.lake;
    return {
      ...sample,
      ...identity(1000 + index),
      alt: `${sample.alt}, no. ${index + 1}`,
      url: `${sample.url}?copy=${index}`,
      thumbnailUrl: `${sample.thumbnailUrl}?copy=${index}`,
    };
  });
}

function reference(number: number, sample: Sample): MediaReference {
  return {
    type: "media_reference",
    version: 1,
    ...identity(number),
    mimeType: "image/webp",
    digest: `sha-256:${"0".repeat(64)}`,
    displayName: `${sample.alt}.webp`,
    ...sample,
  };
}

function identity(number: number): Pick<MediaReference, "id" | "uri"> {
  const id = `00000000-0000-4000-8000-${number.toString(16).padStart(12, "0")}`;
  return { id, uri: `media://${id}` };
}
