/**
 * Puts a picture on the clipboard, as PNG: the one picture type that browsers take there.
 *
 * @throws DOMException where the page may not write to the clipboard; TypeError where the picture
 * cannot be fetched or there is no clipboard, as on a page that is not secure.
 */
export function copyImage(source: Blob | string): Promise<void> {
  const png = pngOf(source);
  // A clipboard that refuses at once leaves nobody else to hear that the fetching failed too.
  png.catch(() => undefined);
  // The promise goes in, not its result: Safari wants the call within the click.
  return navigator.clipboard.write([new ClipboardItem({ [PNG]: png })]);
}

const PNG = "image/png";

async function pngOf(source: Blob | string): Promise<Blob> {
  const blob = typeof source === "string" ? await fetchBlob(source) : source;
  if (blob.type === PNG) {
    return blob;
  }
  const bitmap = await createImageBitmap(blob);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas.convertToBlob({ type: PNG });
}

async function fetchBlob(url: string): Promise<Blob> {
  const response = await fetch(url);
  if (!response.ok) {
    throw new TypeError(`The picture could not be fetched: status ${response.status}.`);
  }
  return response.blob();
}
