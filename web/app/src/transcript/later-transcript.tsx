import { useCallback, useState } from "react";
import { FullPageNotice } from "../conversations/full-page-notice.tsx";
import { TranscriptSkeleton } from "../conversations/transcript-skeleton.tsx";
import { useLater } from "../shell/later.ts";
import { transcript } from "./part.ts";
import type { TranscriptProps } from "./transcript.tsx";

/** The conversation so far, as soon as what shows it is loaded; its outline until then. */
export function LaterTranscript(props: TranscriptProps) {
  const [hasFailed, setHasFailed] = useState(false);
  const fail = useCallback(() => setHasFailed(true), []);
  const loaded = useLater(transcript, { wanted: !hasFailed, onFailure: fail });
  if (loaded !== null) {
    return <loaded.Transcript {...props} />;
  }
  return hasFailed ? (
    <FullPageNotice
      title="The page did not load whole"
      action="Try again"
      onAction={() => setHasFailed(false)}
    >
      What shows a conversation could not be loaded from the server.
    </FullPageNotice>
  ) : (
    <TranscriptSkeleton />
  );
}
