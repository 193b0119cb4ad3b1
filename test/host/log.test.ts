import { execFileSync } from 'node:child_process';
import t from 'tap';

/** What the log of this expression's process writes, a line each. */
function linesOf(expression: string): Record<string, unknown>[] {
  const module = new URL('../../src/host/log.ts', import.meta.url).href;
  const program = `import { createLog } from '${module}'; const log = createLog('a'); ${expression}`;
  const text = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

void t.test('a line says of an error its text, stack and code, and nothing else that it carries', (t) => {
  const [line] = linesOf(
    `log.warn('lost', { error: Object.assign(new Error('cut'), { code: 'ECONNRESET', request: { headers: { cookie: 'hidden' } } }) });`,
  );
  t.match(line, { level: 'warn', part: 'a', msg: 'lost', error: { message: 'cut', code: 'ECONNRESET', stack: /cut/ } });
  t.notMatch(JSON.stringify(line), /hidden/);
  t.end();
});

void t.test('the errors that an AggregateError gathers are told one by one', (t) => {
  const [line] = linesOf(
    `log.error('ended', { error: new AggregateError([new Error('one'), new Error('two')], 'both') });`,
  );
  t.match(line, { error: { message: 'both', errors: [{ message: 'one' }, { message: 'two' }] } });
  t.end();
});

void t.test('part() names a part within, and tokens among the fields are never written', (t) => {
  const [line] = linesOf(`log.part('b').info('told', { token: 'hidden', pod: 'ns/x' });`);
  t.match(line, { part: 'a/b', msg: 'told', pod: 'ns/x', token: '[redacted]' });
  t.end();
});
