import t from 'tap';
import { findBoardProcesses } from '../../src/rack/board-process.ts';

const DIR = '/src/.rack/boards/c1';
const keeper = {
  pid: 10,
  parent: 1,
  argv: ['sh', '/src/src/rack/board.sh', '/src/.rack', 'c1', 'trixie-amd64-1', '/src', '/sys/fs/cgroup/memory/x'],
};
const nspawn = { pid: 11, parent: 10, argv: ['systemd-nspawn', '--quiet', '--boot', `--directory=${DIR}/root`] };
const init = { pid: 12, parent: 11, argv: ['/usr/lib/systemd/systemd'] };

void t.test('findBoardProcesses() tells a board’s keeper, nspawn and PID 1 from all others', (t) => {
  const others = [
    { pid: 1, parent: 0, argv: ['/usr/lib/systemd/systemd'] },
    { pid: 20, parent: 1, argv: keeper.argv.with(3, 'c10') },
    { pid: 21, parent: 20, argv: nspawn.argv.with(3, '--directory=/src/.rack/boards/c10/root') },
    { pid: 22, parent: 1, argv: ['sh', '/src/src/rack/board.sh', '/other/.rack', 'c1'] },
  ];

  t.same(findBoardProcesses([...others, init, nspawn, keeper], DIR), { keepers: [10], nspawn: 11, init: 12 });
  t.same(findBoardProcesses(others, DIR), { keepers: [], nspawn: null, init: null });
  t.end();
});

void t.test('findBoardProcesses() does not take nspawn’s copy of itself, before systemd is there, for PID 1', (t) => {
  const copy = { pid: 12, parent: 11, argv: nspawn.argv };

  t.same(findBoardProcesses([keeper, nspawn, copy], DIR), { keepers: [10], nspawn: 11, init: null });
  t.end();
});
