/**
 * Replaces `$(NAME)` by its value; `$$` is a dollar that starts nothing, and a reference without a value stays as it is
 * (upstream third_party/forked/golang/expansion).
 */
export function expandVariables(text: string, lookup: (name: string) => string | undefined): string {
  let result = '';
  // After it no reference ends: a text of nothing but beginnings must not be searched through for each.
  const lastEnd = text.lastIndexOf(')');
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? '';
    if (char !== '$' || at + 1 >= text.length) {
      result += char;
      continue;
    }
    if (text[at + 1] === '$') {
      result += '$';
      at += 1;
      continue;
    }
    const end = text[at + 1] === '(' && at + 2 <= lastEnd ? text.indexOf(')', at + 2) : -1;
    if (end < 0) {
      result += text[at + 1] === '(' ? '$(' : `$${text[at + 1] ?? ''}`;
      at += 1;
      continue;
    }
    const name = text.slice(at + 2, end);
    result += lookup(name) ?? `$(${name})`;
    at = end;
  }
  return result;
}
