/** The key of an `extra` value as a header's name carries it: percent-encoded, or as it stands where that is no encoding. */
export function extraKey(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}
