import { ChatTransportError } from "coatcheck/ai";
import { wasNotSent } from "../chat/not-sent.ts";

interface TurnErrorProps {
  readonly error: Error;
  readonly onSendAgain: () => void;
  readonly onReload: () => void;
}

/** Says how a turn went wrong, and offers what helps in that case. */
export function TurnError({ error, onSendAgain, onReload }: TurnErrorProps) {
  const code = error instanceof ChatTransportError ? error.serverCode : null;
  return (
    <div className="turn-error" role="alert" data-testid="turn-error">
      <p>
        {error.message}
        {code !== null && <code>{code}</code>}
      </p>
      {wasNotSent(error) ? (
        <button type="button" className="button" onClick={onSendAgain}>
          Send again
        </button>
      ) : (
        <button type="button" className="button" onClick={onReload}>
          Reload the conversation
        </button>
      )}
    </div>
  );
}
