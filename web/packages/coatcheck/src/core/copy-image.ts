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
  await copyPicture(address);
}

/**
 * Puts any picture on the clipboard, as PNG: bytes that are here, or the address that they are at.
 *
 * @throws as {@link copyImage}.
 */
export async function copyPicture(picture: Blob | string): Promise<void> {
  const png = typeof picture === "string" ? fetchPng(picture) : pngOf(picture);
  // A clipboard that refuses at once leaves no other handler for a failed fetch.
  png.catch(() => undefined);
  // A promise, not a blob: Safari forgets the click that allowed it while the picture is fetched.
  await navigator.clipboard.write([new ClipboardItem({ [PNG]: png })]);
}

async function fetchPng(address: string): Promise<Blob> {
  const response = await fetch(address, { headers: { accept: PNG } });
  if (!response.ok) {
    throw new Error(`The picture cannot be copied: HTTP ${response.status}.`);
  }
  return pngOf(await response.blob());
}

async function pngOf(blob: Blob): Promise<Blob> {
  if (blob.type === PNG) {
    return blob;
  }
  const bitmap = await createImageBitmap(blob);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas.convertToBlob({ type: PNG });
}

const PNG = "image/png";
