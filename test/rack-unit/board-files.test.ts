import t from 'tap';
import { boardFiles, reachableNameservers } from '../../src/rack/board-files.ts';
import { DEFAULT_OPTIONS, findBoard, planLayout } from '../../src/rack/layout.ts';

const identity = {
  machineId: '0123456789abcdef0123456789abcdef',
  hostKey: 'PRIVATE',
  hostPublicKey: 'ssh-ed25519 AAAA root@w1',
  authorizedKey: 'ssh-ed25519 BBBB bramble-rack\n',
  nameservers: ['9.9.9.9'],
};

void t.test('boardFiles() give a board its name, its address and who may log in, and no word of other boards', (t) => {
  const layout = planLayout(DEFAULT_OPTIONS);
  const files = boardFiles(layout, findBoard(layout, 'w1'), identity);
  const texts = new Map(files.map((file) => [file.path, 'text' in file ? file.text : '']));

  t.equal(texts.get('etc/hostname'), 'w1\n');
  t.match(texts.get('etc/systemd/network/10-host0.network'), /^Address=10\.77\.0\.21\/24\nGateway=10\.77\.0\.1$/m);
  t.equal(texts.get('etc/resolv.conf'), 'nameserver 9.9.9.9\n');
  const all = [...texts.values()].join('\n');
  for (const other of layout.boards.filter(({ name }) => name !== 'w1')) t.notMatch(all, other.address, other.name);
  t.end();
});

void t.test('boardFiles() keep secrets from other users', (t) => {
  const layout = planLayout(DEFAULT_OPTIONS);
  const modes = new Map(
    boardFiles(layout, findBoard(layout, 'c1'), identity).map((file) => [file.path, 'mode' in file ? file.mode : 0]),
  );

  t.equal(modes.get('etc/ssh/ssh_host_ed25519_key'), 0o600);
  t.equal(modes.get('root/.ssh/authorized_keys'), 0o600);
  t.end();
});

void t.test('reachableNameservers() leaves out servers on the loopback of this machine, and IPv6', (t) => {
  const text = '# stub\nnameserver 127.0.0.53\nsearch lan\nnameserver 192.168.1.1\n nameserver fd00::1\n';

  t.same(reachableNameservers(text), ['192.168.1.1']);
  t.end();
});
