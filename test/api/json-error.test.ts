import t from 'tap';
import { jsonErrorText } from '../../src/api/json-error.ts';

// What kube-apiserver answers to these bodies.
const CASES: readonly [text: string, error: string][] = [
  ['', 'unexpected end of JSON input'],
  ['{', 'unexpected end of JSON input'],
  ['{"a":', 'unexpected end of JSON input'],
  ['{"a', 'unexpected end of JSON input'],
  ['tru', 'unexpected end of JSON input'],
  ['hello', "invalid character 'h' looking for beginning of value"],
  ['{"a":1} x', "invalid character 'x' after top-level value"],
  ['{a:1}', "invalid character 'a' looking for beginning of object key string"],
  ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
  ['{"a" 1}', "invalid character '1' after object key"],
  ['{"a":1 "b":2}', "invalid character '\"' after object key:value pair"],
  ['[1 2]', "invalid character '2' after array element"],
  ['[1,]', "invalid character ']' looking for beginning of value"],
  ['"a\nb"', "invalid character '\\n' in string literal"],
  ['"\\x"', "invalid character 'x' in string escape code"],
  ['"\\u00g0"', "invalid character 'g' in \\u hexadecimal character escape"],
  ['-a', "invalid character 'a' in numeric literal"],
  ['1.a', "invalid character 'a' after decimal point in numeric literal"],
  ['1ea', "invalid character 'a' in exponent of numeric literal"],
  ['01', "invalid character '1' after top-level value"],
  ['trux', "invalid character 'x' in literal true (expecting 'e')"],
  ["'a'", "invalid character '\\'' looking for beginning of value"],
];

void t.test('jsonErrorText() says why a text is no JSON as Go’s parser does', (t) => {
  for (const [text, error] of CASES) t.equal(jsonErrorText(text), error, text);
  t.end();
});
