/**
 * Puts a `.br` and a `.gz` beside every text file of the built page. The server sends one of them to a
 * browser that takes it; nothing is compressed while somebody waits.
 */

import { readdir, readFile, writeFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, gzip, constants as zlib } from "node:zlib";

const PAGE = fileURLToPath(
  new URL("../../packages/coatcheck-chat/src/coatcheck_chat/page/", import.meta.url),
);
/** Pictures are compressed already. What is here, the release check asks for: release/contents.py. */
const TEXTS = new Set([".css", ".html", ".js", ".svg"]);

async function compress(file) {
  const content = await readFile(file);
  const params = {
    [zlib.BROTLI_PARAM_QUALITY]: zlib.BROTLI_MAX_QUALITY,
    [zlib.BROTLI_PARAM_SIZE_HINT]: content.length,
  };
  await writeFile(`${file}.br`, await promisify(brotliCompress)(content, { params }));
  await writeFile(`${file}.gz`, await promisify(gzip)(content, { level: zlib.Z_BEST_COMPRESSION }));
}

const entries = await readdir(PAGE, { recursive: true });
const texts = entries.filter((name) => TEXTS.has(extname(name)));
await Promise.all(texts.map((name) => compress(join(PAGE, name))));
