import t from 'tap';
import { parseLabelSelector } from '../../src/api/label-selector-parser.ts';
import {
  formatSelector,
  matchesFields,
  matchesLabels,
  parseFieldSelector,
  selectorOf,
} from '../../src/api/selector.ts';

// apimachinery pkg/labels/selector_test.go.
void t.test('parseLabelSelector() reads the forms that people write', (t) => {
  const cases: [string, Record<string, string>, boolean][] = [
    ['', { a: 'b' }, true],
    ['a=b,c!=d', { a: 'b' }, true],
    ['a==b', { a: 'c' }, false],
    ['a in (b, c)', { a: 'c' }, true],
    ['a notin (b,c)', {}, true],
    ['a', {}, false],
    ['!a', {}, true],
    ['x.y/a>5', { 'x.y/a': '6' }, true],
    ['a<5', { a: 'x' }, false],
    ['a=', { a: '' }, true],
  ];
  for (const [text, labels, expected] of cases)
    t.equal(matchesLabels(parseLabelSelector(text), labels), expected, text);
  t.end();
});

void t.test('parseLabelSelector() refuses what no label can be, in upstream’s words', (t) => {
  const cases: [string, string | RegExp][] = [
    ['-a=b', /^unable to parse requirement: <nil>: Invalid value: "-a": name part must consist of/],
    ['a=b=c', "found '=', expected: ',' or 'end of string'"],
    ['a===b', "unable to parse requirement: found '=', expected: identifier"],
    ['a>x', /for 'Gt', 'Lt' operators, the value must be an integer$/],
    ['a in b', "unable to parse requirement: found 'b' expected: '('"],
    ['a in (', "unable to parse requirement: found '', expected: ',', ')' or identifier"],
    ['a in (b c)', "unable to parse requirement: found 'c', expected: ',' or ')'"],
    ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ['a=b c!', "found 'c', expected: ',' or 'end of string'"],
    ['a=-', /^unable to parse requirement: values\[0\]\[a\]: Invalid value: "-"/],
    ['a,,b', "found ',', expected: identifier after ','"],
    ['a,', "found '', expected: identifier after ','"],
    ['=b', "found '=', expected: !, identifier, or 'end of string'"],
    ['!', "unable to parse requirement: found '', expected: identifier"],
    ['a/b/c=d', /a valid label key must consist of/],
    [`${'a'.repeat(64)}=b`, /name part must be no more than 63/],
    [`a=${'b'.repeat(64)}`, /must be no more than 63/],
  ];
  for (const [text, message] of cases) t.throws(() => parseLabelSelector(text), { message }, text);
  const startMs = performance.now();
  for (const hostile of ['a b'.repeat(100_000), 'a in ('.repeat(50_000), ' '.repeat(300_000), '!'.repeat(300_000)])
    t.ok(refusedOrEmpty(hostile));
  t.ok(performance.now() - startMs < 2000, 'in time that grows as the text');
  t.end();
});

function refusedOrEmpty(text: string): boolean {
  try {
    return parseLabelSelector(text).length === 0;
  } catch {
    return true;
  }
}

void t.test('formatSelector() gives what parses to the same', (t) => {
  const text = 'a=b,c!=d,e in (f,g),h notin (i,j),k,!l,m>1,n<2';
  t.same(parseLabelSelector(formatSelector(parseLabelSelector(text))), parseLabelSelector(text));
  t.end();
});

void t.test('selectorOf() tells the empty selector from none', (t) => {
  t.equal(selectorOf(undefined), null);
  t.equal(selectorOf(null), null);
  t.same(selectorOf({}), []);
  t.end();
});

void t.test('parseFieldSelector() takes backslashes for what they escape', (t) => {
  const selector = parseFieldSelector('spec.x=a\\,b,metadata.name!=c');
  const fields: Record<string, string> = { 'spec.x': 'a,b', 'metadata.name': 'd' };
  t.ok(matchesFields(selector, (path) => fields[path] ?? ''));
  t.throws(() => parseFieldSelector('spec.x'), { message: /can't understand/ });
  t.end();
});
