/** As deep as Go's JSON decoder goes. */
const DEPTH_MAX = 10_000;

/** Why a JSON text is refused whose brackets nest deeper than anything that handles it should have to follow; null: they do not. */
export function tooDeep(text: string): string | null {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case 0x22: // a string: brackets in it do not count
        at = endOfString(text, at);
        break;
      case 0x5b:
      case 0x7b:
        depth += 1;
        if (depth > DEPTH_MAX) return `invalid character '${text[at]}' exceeded max depth`;
        break;
      case 0x5d:
      case 0x7d:
        depth -= 1;
        break;
      default:
    }
  }
  return null;
}

/** Index of the quote that closes the string beginning at `at`; the text's end when there is none. */
function endOfString(text: string, at: number): number {
  for (let quote = text.indexOf('"', at + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let slashes = 0;
    while (text[quote - 1 - slashes] === '\\') slashes += 1;
    if (slashes % 2 === 0) return quote;
  }
  return text.length;
}
