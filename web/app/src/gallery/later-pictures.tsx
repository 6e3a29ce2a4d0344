import { useCallback, useState } from "react";
import { FullPageNotice } from "../conversations/full-page-notice.tsx";
import { useLater } from "../shell/later.ts";
import { gallery } from "../shell/parts.ts";
import { GallerySkeleton } from "./gallery-skeleton.tsx";
import type { PicturesViewProps } from "./pictures-view.tsx";

/** All pictures, as soon as what shows them is loaded; their outline until then. */
export function LaterPictures(props: PicturesViewProps) {
  const [hasFailed, setHasFailed] = useState(false);
  const fail = useCallback(() => setHasFailed(true), []);
  const loaded = useLater(gallery, { wanted: !hasFailed, onFailure: fail });
  if (loaded !== null) {
    return <loaded.PicturesView {...props} />;
  }
  return hasFailed ? (
    <FullPageNotice
      title="The page did not load whole"
      action="Try again"
      onAction={() => setHasFailed(false)}
    >
      What shows all pictures could not be loaded from the server.
    </FullPageNotice>
  ) : (
    <GallerySkeleton />
  );
}
