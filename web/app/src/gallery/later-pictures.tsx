import { useState } from "react";
import { type LoadFailure, useLater } from "../shell/later.ts";
import { MissingPart } from "../shell/missing-part.tsx";
import { gallery } from "../shell/parts.ts";
import { GallerySkeleton } from "./gallery-skeleton.tsx";
import type { PicturesViewProps } from "./pictures-view.tsx";

/** All pictures, as soon as what shows them is loaded; their outline until then. */
export function LaterPictures(props: PicturesViewProps) {
  const [failure, setFailure] = useState<LoadFailure | null>(null);
  const loaded = useLater(gallery, { wanted: failure === null, onFailure: setFailure });
  if (loaded !== null) {
    return <loaded.PicturesView {...props} />;
  }
  return failure === null ? (
    <GallerySkeleton />
  ) : (
    <MissingPart failure={failure} onRetry={() => setFailure(null)}>
      What shows all pictures could not be loaded from the server.
    </MissingPart>
  );
}
