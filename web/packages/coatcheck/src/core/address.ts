/**
 * Whether an address from outside may be fetched or linked to: a path on the page's own origin
 * (`/api/media/…`) or an absolute http(s) URL without credentials.
 *
 * Everything else is refused: `javascript:`, `data:`, `blob:`, protocol-relative `//host`, the
 * backslash spellings a browser would normalise into one, and control characters it would strip.
 */
export function isFetchableAddress(value: unknown): value is string {
  if (typeof value !== "string" || value.length === 0 || value.length > MAX_ADDRESS_LENGTH) {
    return false;
  }
  if (!PRINTABLE_WITHOUT_BACKSLASH.test(value)) {
    return false;
  }
  const isPath = value.startsWith("/") && !value.startsWith("//");
  if (!(isPath || ABSOLUTE_HTTP.test(value))) {
    return false;
  }
  if (!URL.canParse(value, "https://origin.invalid")) {
    return false;
  }
  const { protocol, username, password } = new URL(value, "https://origin.invalid");
  return (
    (protocol === "https:" || protocol === "http:") &&
    username.length === 0 &&
    password.length === 0
  );
}

/**
 * Adds one query parameter to an address that {@link isFetchableAddress} accepted, keeping the rest
 * byte for byte: a signed URL must not be re-encoded.
 */
export function withQueryParameter(address: string, name: string, value: string): string {
  const hashAt = address.indexOf("#");
  const head = hashAt < 0 ? address : address.slice(0, hashAt);
  const fragment = hashAt < 0 ? "" : address.slice(hashAt);
  const separator = head.includes("?") ? "&" : "?";
  return `${head}${separator}${encodeURIComponent(name)}=${encodeURIComponent(value)}${fragment}`;
}

/** Browsers and proxies stop well below this; a longer one is an attack or a data: URI in disguise. */
const MAX_ADDRESS_LENGTH = 4096;

const ABSOLUTE_HTTP = /^https?:\/\//iu;

const PRINTABLE_WITHOUT_BACKSLASH = /^[\x21-\x5b\x5d-\x7e]+$/u;
