import { formatBytes, type MediaReference } from "coatcheck";
import { useCarriedFor } from "../chat/traffic.ts";
import { TicketIcon } from "../shell/icons.tsx";

/** The ticket for the coat: how little travelled, and how much did not have to. */
export function Ticket({ reference }: { readonly reference: MediaReference }) {
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
            Travelled as <b>{formatBytes(carried.messages)}</b>
          </>
        )}
      </span>
      {carried !== null && carried.previews > 0 && (
        <span>
          <b>{formatBytes(carried.previews)}</b> of previews
        </span>
      )}
      <span>
        <b>{formatBytes(reference.size)}</b> kept out of {carried === null ? "it" : "the stream"}
      </span>
    </p>
  );
}

function jsonBytes(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value)).byteLength;
}
