import t from 'tap';
import { renderInventory, renderKnownHosts } from '../../src/rack/inventory.ts';
import { DEFAULT_OPTIONS, planLayout } from '../../src/rack/layout.ts';
import { describeFailure, recap } from '../../src/rack/provision.ts';

void t.test('renderInventory() has the groups of the playbook and hands no board the address of another', (t) => {
  const places = { privateKey: '/k', knownHosts: '/h', imageArchive: '/i.tar', imageNames: ['a:1'] };
  const inventory = JSON.parse(renderInventory(planLayout({ ...DEFAULT_OPTIONS, workers: 1 }), places)) as {
    all: { vars: Record<string, unknown> };
    control: { hosts: object };
    workers: { hosts: object };
  };

  t.same(inventory.control.hosts, {
    c1: { ansible_host: '10.77.0.11' },
    c2: { ansible_host: '10.77.0.12' },
    c3: { ansible_host: '10.77.0.13' },
  });
  t.same(inventory.workers.hosts, { w1: { ansible_host: '10.77.0.21' } });
  t.equal(inventory.all.vars['bramble_api_address'], '10.77.0.10');
  t.end();
});

void t.test('renderKnownHosts() knows each board by address and name', (t) => {
  const layout = planLayout({ ...DEFAULT_OPTIONS, control: 1, workers: 0 });

  t.equal(
    renderKnownHosts(layout, new Map([['c1', 'ssh-ed25519 AAAA root@c1\n']])),
    '10.77.0.11,c1 ssh-ed25519 AAAA root@c1\n',
  );
  t.end();
});

void t.test('recap() adds up the boards', (t) => {
  const lines = [
    'PLAY RECAP *******',
    'c1        : ok=14   changed=3    unreachable=0    failed=0    skipped=8    rescued=0    ignored=0',
    'w1        : ok=12   changed=2    unreachable=1    failed=1    skipped=9    rescued=0    ignored=0',
  ];

  t.same(recap(lines), { changed: 5, failed: 2 });
  t.end();
});

void t.test('describeFailure() is one line with the board and what its program said', (t) => {
  t.equal(
    describeFailure('fatal: [c1]: FAILED! => {"msg": "non-zero return code", "stderr": "a\\nno such unit"}'),
    'c1: no such unit',
  );
  t.equal(describeFailure('fatal: [w2]: UNREACHABLE! => {"msg": "Permission denied"}'), 'w2: Permission denied');
  t.equal(describeFailure('ok: [c1]'), null);
  t.end();
});
