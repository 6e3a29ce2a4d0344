import { asFields, type Fields } from "../fields.ts";
import {
  type OutputForms,
  REFERENCE_NAMES,
  readToolOutput,
  type ToolOutput,
} from "../tool-output.ts";
import { readInlineImage } from "./inline-image.ts";
import { readJsonAt } from "./lazy-json.ts";
import { type Picture, parsePicture } from "./picture.ts";

/**
 * Reads the output of a tool that makes pictures, in today's form or an older one: an object, or a text
 * such as `✅ **Success**: {json}`. The work is bounded: a text of megabytes costs under a millisecond.
 *
 * @returns null for an output that is about no picture. Never throws.
 */
export function parseToolOutput(output: unknown): ToolOutput<Picture> | null {
  return readToolOutput(output, ALL_FORMS);
}

const ALL_FORMS: OutputForms<Picture> = {
  readPicture,
  readJson: (text, start) => readJsonAt(text, start)?.value,
  readText: (text) => (readInlineImage(text) === null ? null : parsePicture(text)),
};

const ADDRESS_NAMES = ["fullImageUrl", "full_image_url", "thumbnailUrl", "thumbnail_url"] as const;

function readPicture(fields: Fields): Picture | null {
  for (const name of REFERENCE_NAMES) {
    const described = asFields(fields[name]);
    if (described !== null) {
      // The addresses stood beside the old references, not in them.
      const beside = Object.fromEntries(ADDRESS_NAMES.map((address) => [address, fields[address]]));
      return parsePicture(described) ?? parsePicture({ ...described, ...beside });
    }
  }
  return parsePicture(fields);
}
