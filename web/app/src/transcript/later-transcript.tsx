import { useState } from "react";
import { TranscriptSkeleton } from "../conversations/transcript-skeleton.tsx";
import { type LoadFailure, useLater } from "../shell/later.ts";
import { MissingPart } from "../shell/missing-part.tsx";
import { transcript } from "./part.ts";
import type { TranscriptProps } from "./transcript.tsx";

/** The conversation so far, as soon as what shows it is loaded; its outline until then. */
export function LaterTranscript(props: TranscriptProps) {
  const [failure, setFailure] = useState<LoadFailure | null>(null);
  const loaded = useLater(transcript, { wanted: failure === null, onFailure: setFailure });
  if (loaded !== null) {
    return <loaded.Transcript {...props} />;
  }
  return failure === null ? (
    <TranscriptSkeleton />
  ) : (
    <MissingPart failure={failure} onRetry={() => setFailure(null)}>
      What shows a conversation could not be loaded from the server.
    </MissingPart>
  );
}
