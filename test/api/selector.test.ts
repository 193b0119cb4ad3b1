import t from 'tap';
import {
  formatSelector,
  matchesFields,
  matchesLabels,
  parseFieldSelector,
  parseLabelSelector,
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

void t.test('parseLabelSelector() refuses what no label can be', (t) => {
  for (const text of [
    '-a=b',
    'a=b=c',
    'a>x',
    'a in b',
    'a=-',
    'a,,b',
    '=b',
    `${'a'.repeat(64)}=b`,
    `a=${'b'.repeat(64)}`,
  ])
    t.throws(() => parseLabelSelector(text), { message: /unable to parse requirement/ }, text);
  t.end();
});

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
