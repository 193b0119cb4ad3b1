import t from 'tap';
import { parseCgroupMounts, payloadGroup } from '../../src/rack/cgroup.ts';

void t.test(
  'parseCgroupMounts() takes a machine with v1 controllers for v1, the empty unified hierarchy included',
  (t) => {
    const mounts = `tmpfs /sys/fs/cgroup tmpfs rw 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0
cgroup /sys/fs/cgroup/systemd cgroup rw,relatime,name=systemd 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0
`;
    const { v1, v2 } = parseCgroupMounts(mounts);

    t.equal(v2, null);
    t.same(
      v1.map(({ dir }) => dir),
      ['/sys/fs/cgroup/memory', '/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified'],
    );
    t.ok(v1[0]?.controllers.includes('memory'));
    t.end();
  },
);

void t.test('parseCgroupMounts() takes a machine with the unified hierarchy alone for v2', (t) => {
  t.same(parseCgroupMounts('cgroup2 /sys/fs/cgroup cgroup2 rw,nsdelegate,memory_recursiveprot 0 0\n'), {
    v2: '/sys/fs/cgroup',
    v1: [],
  });
  t.end();
});

void t.test('payloadGroup() finds the group that nspawn made on v2, and none on v1', (t) => {
  t.equal(payloadGroup('0::/bramble-rack/c1/payload/init.scope\n'), '/bramble-rack/c1/payload');
  t.equal(payloadGroup('4:memory:/bramble-rack/c1\n0::/bramble-rack/c1/init.scope\n'), null);
  t.end();
});
