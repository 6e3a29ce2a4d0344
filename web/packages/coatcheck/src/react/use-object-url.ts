import { useEffect, useState } from "react";

/**
 * An address for bytes that are here already, as long as the component shows them; null without
 * bytes, and in the first render with new ones.
 */
export function useObjectUrl(blob: Blob | null): string | null {
  const [made, setMade] = useState<{ readonly blob: Blob; readonly url: string } | null>(null);
  useEffect(() => {
    if (blob === null) {
      return;
    }
    const url = URL.createObjectURL(blob);
    setMade({ blob, url });
    return () => URL.revokeObjectURL(url);
  }, [blob]);
  // Between two drafts the first one's address is revoked, but its picture is loaded: it stays.
  return blob === null ? null : (made?.url ?? null);
}
