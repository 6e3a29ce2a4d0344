import { withQueryParameter } from "./address.ts";
import type { MediaReference } from "./reference.ts";

/** Whether this browser can put a picture on the clipboard; on pages that are not secure none can. */
export function canCopyImages(): boolean {
  return typeof ClipboardItem !== "undefined" && "clipboard" in navigator;
}

/**
 * Puts a picture on the clipboard, as PNG: what every browser and nearly every program takes. Must be
 * called while a click or key press is being handled.
 *
 * @throws what the clipboard rejects with, or an Error when the picture cannot be had.
 */
export async function copyImage({ url, mimeType }: MediaReference): Promise<void> {
  if (url === undefined) {
    throw new Error("The reference has no url: a stored form has none until a server mints it.");
  }
  const address = mimeType === PNG ? url : withQueryParameter(url, "format", "png");
  // A promise, not a blob: Safari forgets the click that allowed it while the picture is fetched.
  await navigator.clipboard.write([new ClipboardItem({ [PNG]: fetchPng(address) })]);
}

async function fetchPng(address: string): Promise<Blob> {
  const response = await fetch(address, { headers: { accept: PNG } });
  if (!response.ok) {
    throw new Error(`The picture cannot be copied: HTTP ${response.status}.`);
  }
  return await response.blob();
}

const PNG = "image/png";
