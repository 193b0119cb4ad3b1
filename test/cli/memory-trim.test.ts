import t from 'tap';
import { isTrimDue } from '../../src/cli/memory-trim.ts';

const MB = 1024 * 1024;

void t.test('isTrimDue() says yes after growth, while there is little to do', (t) => {
  t.ok(isTrimDue(120 * MB, 0, 0.01), 'after the start');
  t.notOk(isTrimDue(104 * MB, 100 * MB, 0.01), 'little to gain');
  t.ok(isTrimDue(107 * MB, 100 * MB, 0.01));
  t.notOk(isTrimDue(180 * MB, 100 * MB, 0.5), 'somebody would wait');
  t.end();
});
