import { downloadAddress, formatBytes, type MediaReference } from "coatcheck";
import { use } from "react";
import { useCarriedFor } from "../chat/traffic.ts";
import { DownloadIcon, EnlargeIcon, OpenIcon, TicketIcon } from "../shell/icons.tsx";
import { OpenPictureContext } from "../viewer/open-picture.ts";
import type { Drawing } from "./drawing.ts";

interface PictureCaptionProps {
  readonly reference: MediaReference;
  readonly drawing: Drawing;
}

/** What a picture is, where to get it, and what it cost to send. */
export function PictureCaption({ reference, drawing }: PictureCaptionProps) {
  const { url, width, height, displayName = "picture" } = reference;
  const download = downloadAddress(reference);
  const openPicture = use(OpenPictureContext);
  const facts = [
    width === undefined || height === undefined ? null : `${width} × ${height}`,
    formatBytes(reference.size),
  ].filter((fact) => fact !== null);

  return (
    <>
      {/* The model's name comes a frame later than the rest: at the end of a line it moves nothing. */}
      {drawing.prompt !== null && (
        <p className="caption-title">
          <span className="caption-prompt">{drawing.prompt}</span>
          {drawing.model !== null && <span className="caption-model">{drawing.model}</span>}
        </p>
      )}
      <p className="caption-facts">
        {facts.map((fact) => (
          <span key={fact}>{fact}</span>
        ))}
      </p>
      <p className="caption-links">
        {url !== undefined && (
          <button type="button" onClick={() => openPicture(reference.id)}>
            <EnlargeIcon />
            Enlarge
            <span className="visually-hidden"> {displayName}</span>
          </button>
        )}
        {url !== undefined && (
          <a href={url} target="_blank" rel="noopener">
            <OpenIcon />
            Open original
            <span className="visually-hidden"> of {displayName} in a new tab</span>
          </a>
        )}
        {download !== null && (
          <a href={download} download={displayName}>
            <DownloadIcon />
            Download
            <span className="visually-hidden"> {displayName}</span>
          </a>
        )}
      </p>
      <Ticket reference={reference} />
    </>
  );
}

function jsonBytes(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value)).byteLength;
}

/** The ticket for the coat: how little travelled, and how much did not have to. */
function Ticket({ reference }: { readonly reference: MediaReference }) {
  const carried = useCarriedFor(reference.id);
  return (
    <p className="ticket" data-testid="ticket">
      <TicketIcon />
      <span>
        {carried === null ? (
          <>
            Came with the history as <b>{formatBytes(jsonBytes(reference))}</b>
          </>
        ) : (
          <>
            Travelled as <b>{formatBytes(carried)}</b> over the socket
          </>
        )}
      </span>
      <span>
        <b>{formatBytes(reference.size)}</b> kept out of {carried === null ? "it" : "the stream"}
      </span>
    </p>
  );
}
