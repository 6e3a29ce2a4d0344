import { formatBytes, type UploadItem } from "coatcheck";
import type { Uploads } from "coatcheck/react";
import { useEffect, useState } from "react";
import { CloseIcon, PictureIcon, RetryIcon } from "../shell/icons.tsx";

/** The pictures that the next message will carry, each with how its upload goes. */
export function Attachments({ uploads }: { readonly uploads: Uploads }) {
  const { items } = uploads;
  return (
    <>
      {items.length > 0 && (
        <ul className="attachments" aria-label="Pictures for the next message">
          {items.map((item) => (
            <Attachment key={item.id} item={item} uploads={uploads} />
          ))}
        </ul>
      )}
      <p className="visually-hidden" role="status">
        {announcement(items)}
      </p>
    </>
  );
}

interface AttachmentProps {
  readonly item: UploadItem;
  readonly uploads: Uploads;
}

function Attachment({ item: { id, file, state }, uploads }: AttachmentProps) {
  const isOnItsWay = state.status === "waiting" || state.status === "sending";
  return (
    <li className="attachment" data-testid="attachment" data-status={state.status}>
      <Thumbnail file={file} />
      <div className="attachment-text">
        <p className="attachment-name" title={file.name}>
          {file.name}
        </p>
        <Status file={file} state={state} />
      </div>
      {state.status === "failed" && state.error.canRetry && (
        <button
          type="button"
          className="icon-button icon-button-small"
          aria-label={`Try ${file.name} again`}
          onClick={() => uploads.retry(id)}
        >
          <RetryIcon />
        </button>
      )}
      <button
        type="button"
        className="icon-button icon-button-small"
        aria-label={isOnItsWay ? `Stop uploading ${file.name}` : `Remove ${file.name}`}
        onClick={() => (isOnItsWay ? uploads.cancel(id) : uploads.remove(id))}
      >
        <CloseIcon />
      </button>
    </li>
  );
}

function Status({ file, state }: Pick<UploadItem, "file" | "state">) {
  switch (state.status) {
    case "waiting":
      return <p className="attachment-status">Waiting…</p>;
    case "sending":
      return <Progress name={file.name} progress={state.progress} />;
    case "ready":
      return <p className="attachment-status">{formatBytes(file.size)}</p>;
    case "failed":
      return (
        <p className="attachment-status attachment-error" role="alert">
          {state.error.message}
        </p>
      );
  }
}

function Progress({ name, progress }: { readonly name: string; readonly progress: number }) {
  const percent = Math.round(progress * 100);
  return (
    <div
      className="attachment-progress"
      role="progressbar"
      aria-label={`Uploading ${name}`}
      aria-valuenow={percent}
      aria-valuemin={0}
      aria-valuemax={100}
    >
      <div className="attachment-progress-bar" style={{ transform: `scaleX(${percent / 100})` }} />
    </div>
  );
}

/** The file itself, from the reader's own disk: it is there before the first byte has left. */
function Thumbnail({ file }: { readonly file: File }) {
  const [address, setAddress] = useState<string | null>(null);
  const [isBroken, setBroken] = useState(false);
  useEffect(() => {
    const made = URL.createObjectURL(file);
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  return (
    <span className="attachment-thumbnail">
      {address === null || isBroken || !file.type.startsWith("image/") ? (
        <PictureIcon />
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveElementInteractions: an error is no interaction
        <img src={address} alt="" decoding="async" onError={() => setBroken(true)} />
      )}
    </span>
  );
}

function announcement(items: readonly UploadItem[]): string {
  const count = (status: UploadItem["state"]["status"]) =>
    items.filter(({ state }) => state.status === status).length;
  const onTheirWay = count("waiting") + count("sending");
  const ready = count("ready");
  if (onTheirWay > 0) {
    return `Uploading ${pictures(onTheirWay)}…`;
  }
  return ready > 0 ? `${pictures(ready)} attached.` : "";
}

function pictures(count: number): string {
  return count === 1 ? "1 picture" : `${count} pictures`;
}
