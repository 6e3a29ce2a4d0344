import type { MediaReference } from "coatcheck";

const ID = "9188cc90-b172-47e9-b493-4e22175bd478";

/** A UI form reference as a server sends it. */
export const lighthouse: MediaReference = {
  type: "media_reference",
  version: 1,
  id: ID,
  uri: `media://${ID}`,
  mimeType: "image/png",
  size: 1_843_322,
  digest: `sha-256:${"9f86d081884c7d65".repeat(4)}`,
  width: 1600,
  height: 900,
  displayName: "lighthouse.png",
  placeholder: "GmQBLIZ4eIiPeIiHd4iHcHj4eA==",
  alt: "a lighthouse at dusk",
  url: `/api/media/image/${ID}`,
  thumbnailUrl: `/api/media/image/${ID}?thumbnail=true`,
};

/** Media that is no picture: nothing to preview, no size in pixels. */
export const report: MediaReference = {
  type: "media_reference",
  version: 1,
  id: ID,
  uri: `media://${ID}`,
  mimeType: "application/pdf",
  size: 48_213,
  digest: lighthouse.digest,
  displayName: "report.pdf",
  url: `/api/media/image/${ID}`,
};
