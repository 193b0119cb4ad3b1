import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { execAny } from '../../src/host/exec.ts';
import { readProcessTable } from '../../src/rack/board-process.ts';
import { rackPaths } from '../../src/rack/rack-paths.ts';
import { removeRack } from '../../src/rack/remove-rack.ts';

const paths = rackPaths(join(import.meta.dirname, '../..'));
const signal = AbortSignal.timeout(60_000);
// It ends the rack for every other test, and for who is working with it: the last thing that a whole test run does.
const skip = process.env['BRAMBLE_TEST_DOWN'] === '1' ? false : 'set BRAMBLE_TEST_DOWN=1 to have the rack ended';

void t.test(
  'down leaves nothing of the rack but its Debian tree, and is content with nothing to do',
  { skip },
  async (t) => {
    await removeRack(paths, true, signal);
    await removeRack(paths, true, signal);

    const table = await readProcessTable();
    t.same(
      table
        .filter(({ argv }) => argv.some((argument) => argument.startsWith(paths.root)))
        .map(({ argv }) => argv.join(' ')),
      [],
      'processes',
    );
    t.notMatch((await execAny(['ip', 'netns'], { signal })).stdout, /^bramble-rack/m, 'namespaces');
    t.notMatch((await execAny(['ip', '-br', 'link'], { signal })).stdout, /bramble-rack/, 'interfaces');
    t.notMatch((await execAny(['nft', 'list', 'tables'], { signal })).stdout, /bramble-rack/, 'tables');
    t.notMatch(readFileSync('/proc/self/mounts', 'utf8'), paths.root, 'mounts');
    const hierarchies = ['', ...readdirSync('/sys/fs/cgroup')];
    t.same(
      hierarchies.map((name) => join('/sys/fs/cgroup', name, 'bramble-rack')).filter((dir) => existsSync(dir)),
      [],
      'control groups',
    );
    t.same(readdirSync(paths.root), ['base'], 'files');
  },
);
