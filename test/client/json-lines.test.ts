import t from 'tap';
import { jsonLines } from '../../src/client/json-lines.ts';

async function collect(chunks: string[], max = 1000): Promise<unknown[]> {
  async function* source(): AsyncGenerator<Uint8Array> {
    for (const chunk of chunks) yield Buffer.from(chunk, 'latin1');
  }
  const out: unknown[] = [];
  for await (const value of jsonLines(source(), max)) out.push(value);
  return out;
}

void t.test('jsonLines() joins lines over chunks, characters of several bytes too', async (t) => {
  const umlaut = Buffer.from('"ü"\n').toString('latin1');
  t.same(await collect(['{"a":', '1}\n{"b":2}\n\n', umlaut.slice(0, 2), umlaut.slice(2)]), [{ a: 1 }, { b: 2 }, 'ü']);
});

void t.test('jsonLines() drops a line that was cut off, and refuses one that is too long', async (t) => {
  t.same(await collect(['1\n{"a"']), [1]);
  await t.rejects(collect(['"aaaaaaaa', 'aaaaaaaaaa'], 10), /longer than 10 bytes/);
});
