import { inspect } from 'node:util';
import t from 'tap';
import { formatYaml, parseYaml, parseYamlDocuments } from '../../src/api/yaml.ts';

// sigs.k8s.io/yaml: what kubectl sends to the server is what its own reader made of the file.
const CASES: [string, unknown][] = [
  ['0644', 420],
  ['0o644', 420],
  ['0x1F', 31],
  ['-12', -12],
  ['1_000', 1000],
  ['yes', true],
  ['Off', false],
  ['~', null],
  ['1.5', 1.5],
  ['12:30:45', '12:30:45'],
  ['2026-11-20', '2026-11-20'],
  ['100m', '100m'],
  ['"0644"', '0644'],
  ['089', '089'],
];

void t.test('parseYaml() reads scalars as Kubernetes does', (t) => {
  for (const [text, value] of CASES) t.same(parseYaml(`key: ${text}`), { key: value }, text);
  t.end();
});

void t.test('formatYaml() gives text that parses back to the same value', (t) => {
  const value = { a: ['0644', 'yes', '12:30', 'null', '', '1e3', '- x', 'a: b', 'line\nline\n'], b: { c: null, d: 1 } };
  t.same(parseYaml(formatYaml(value)), value);
  t.end();
});

void t.test('parseYamlDocuments() leaves empty documents out', (t) => {
  t.same(parseYamlDocuments('---\na: 1\n---\n---\nb: 2\n'), [{ a: 1 }, { b: 2 }]);
  t.end();
});

void t.test('parseYaml() refuses a doubled key', (t) => {
  t.throws(() => parseYaml('a: 1\na: 2\n'), /duplicat/i);
  t.end();
});

void t.test('parseYaml() does not write out aliases of aliases, and no anchor that holds itself', (t) => {
  const names = 'abcdefghijklm'.split('');
  const bomb = names.map(
    (name, i) =>
      `${name}: &${name} [${Array<string>(9)
        .fill(i === 0 ? 'x' : `*${names[i - 1]}`)
        .join(',')}]`,
  );
  t.throws(() => parseYaml(bomb.join('\n')), { message: 'document contains excessive aliasing' });
  t.throws(() => parseYaml('a: &a [*a]'), { message: 'anchor value contains itself' });
  t.same(parseYaml('a: &a {x: 1}\nb: *a\nc: *a'), { a: { x: 1 }, b: { x: 1 }, c: { x: 1 } });
  t.end();
});

void t.test('parseYaml() says what is wrong and where, and quotes nothing: the text may be a key', (t) => {
  const error: unknown = (() => {
    try {
      return parseYaml('user:\n  client-key-data: hidden\n c: [');
    } catch (thrown) {
      return thrown;
    }
  })();
  t.match(error, { message: 'bad indentation of a mapping entry (3:2)' });
  t.notMatch(inspect(error), /hidden/);
  t.end();
});
