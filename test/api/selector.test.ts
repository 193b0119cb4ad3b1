import t from 'tap';
import { parseLabelSelector } from '../../src/api/selector.ts';

void t.test('parseLabelSelector() reads every operator, with blanks wherever they may be', (t) => {
  t.same(parseLabelSelector(' a = b ,c!=d, e in (f, g) ,h notin (i),j,! k,l>1,m == n '), [
    { key: 'a', operator: 'In', values: ['b'] },
    { key: 'c', operator: 'NotIn', values: ['d'] },
    { key: 'e', operator: 'In', values: ['f', 'g'] },
    { key: 'h', operator: 'NotIn', values: ['i'] },
    { key: 'j', operator: 'Exists', values: [] },
    { key: 'k', operator: 'DoesNotExist', values: [] },
    { key: 'l', operator: 'Gt', values: ['1'] },
    { key: 'm', operator: 'In', values: ['n'] },
  ]);
  for (const wrong of ['a,', ',a', 'a in (b', 'a b', 'a in b)', '(a)'])
    t.throws(() => parseLabelSelector(wrong), wrong);
  t.end();
});

// A selector is read before anybody knows who asks, in the thread that serves everybody.
void t.test('parseLabelSelector() takes time in proportion to the length of what it refuses', (t) => {
  const length = 60_000;
  for (const text of [
    ','.repeat(length),
    `a${' '.repeat(length)}!`,
    `a=${' '.repeat(length)}!`,
    ',('.repeat(length / 2),
  ]) {
    const startMs = performance.now();
    t.throws(() => parseLabelSelector(text));
    t.ok(performance.now() - startMs < 1000, 'at most a few ms, where it was many seconds');
  }
  t.end();
});
