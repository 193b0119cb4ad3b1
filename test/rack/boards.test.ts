import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { exec, execAny } from '../../src/host/exec.ts';
import { provision } from '../../src/rack/provision.ts';
import { BUSYBOX_IMAGE, IMAGE_NAMES } from '../../src/rack/rack-images.ts';
import { readState } from '../../src/rack/rack-state.ts';
import { openRack, stopwatch, until } from './harness.ts';

const TIMEOUT_MS = 240_000;
const signal = AbortSignal.timeout(TIMEOUT_MS);
t.setTimeout(TIMEOUT_MS);

const rack = await openRack('boards', signal);
const worker = rack.layout.boards.findLast(({ role }) => role === 'worker')?.name ?? 'c1';
const names = rack.layout.boards.map(({ name }) => name);

void t.test('each board has its own init, name, address, containerd and memory', async (t) => {
  for (const { name, address } of rack.layout.boards) {
    t.equal((await rack.exec(name, ['cat', '/proc/1/comm'])).trim(), 'systemd', name);
    t.equal((await rack.exec(name, ['hostname'])).trim(), name);
    t.match(await rack.exec(name, ['ip', '-4', 'address', 'show', 'dev', 'host0']), address);
    t.equal((await rack.exec(name, ['systemctl', 'is-active', 'containerd'])).trim(), 'active');
    const caps = 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max';
    const { memoryMib = 0 } = (await readState(rack.paths))?.options ?? {};
    t.equal(
      Number(await rack.exec(name, ['sh', '-c', caps])),
      memoryMib * 2 ** 20,
      `${name} has the memory it was given`,
    );
  }
  const machineIds = await Promise.all(names.map((name) => rack.exec(name, ['cat', '/etc/machine-id'])));
  t.equal(new Set(machineIds).size, names.length, 'machine ids differ');
});

void t.test('a board lets in who has the rack’s key, and no one with a password', async (t) => {
  const address = rack.layout.boards[0]?.address ?? '';
  const known = ['-o', `UserKnownHostsFile=${join(rack.paths.ssh, 'known_hosts')}`, '-o', 'BatchMode=yes'];
  const login = (...options: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
    execAny(['ssh', ...known, ...options, `root@${address}`, 'hostname'], { signal });

  t.equal((await login('-i', join(rack.paths.ssh, 'id_ed25519'))).stdout.trim(), names[0]);
  t.match((await login('-o', 'PubkeyAuthentication=no')).stderr, /Permission denied \(publickey\)/);
});

void t.test('a board sees the checkout, read-only, and nothing of the rack below it', async (t) => {
  t.match(await rack.exec(worker, ['cat', '/opt/bramble/package.json']), /"name": "bramble"/);
  t.equal(await rack.exec(worker, ['ls', '-A', '/opt/bramble/.rack']), '');
  t.match((await rack.tryExec(worker, ['touch', '/opt/bramble/x'])).stderr, /Read-only file system/);
  t.equal((await rack.exec(worker, ['stat', '-c', '%a', '/etc/bramble/config.yaml'])).trim(), '600');
});

void t.test('the images that need no registry are there, and a container with a limit runs from one', async (t) => {
  const images = (await rack.exec(worker, ['ctr', '--namespace', 'k8s.io', 'images', 'ls', '-q'])).split('\n');
  for (const name of IMAGE_NAMES) t.ok(images.includes(name), name);

  // Another namespace than the kubelet's, which would take the container for a leftover and remove it.
  const pull = `ctr -n k8s.io images export /tmp/i.tar ${BUSYBOX_IMAGE} && ctr -n test images import /tmp/i.tar`;
  await rack.exec(worker, ['sh', '-c', pull]);
  const limit = 64 * 2 ** 20;
  const run = `ctr -n test run --rm --memory-limit=${limit} --cgroup=/test-limit ${BUSYBOX_IMAGE} one`;
  await rack.exec(worker, ['systemd-run', '--unit=limited', ...run.split(' '), 'sleep', '1000']);
  // sleep as PID 1 takes no SIGTERM.
  t.teardown(() => rack.exec(worker, 'ctr -n test task kill --signal SIGKILL one'.split(' ')));
  const look =
    'cd /sys/fs/cgroup; cat memory/test-limit/memory.limit_in_bytes 2>/dev/null || cat test-limit/memory.max';
  const readLimit = async (): Promise<boolean> =>
    Number((await rack.tryExec(worker, ['sh', '-c', look])).stdout) === limit;
  await until('the container has its limit', readLimit, { timeoutMs: 20_000, signal });
  t.equal(
    (await rack.exec(worker, ['ctr', '-n', 'test', 'task', 'exec', '--exec-id=x', 'one', 'id', '-u'])).trim(),
    '0',
  );
});

void t.test('boards reach each other, this machine, and the other way round', async (t) => {
  for (const { address } of [...rack.layout.boards, { address: rack.layout.hostAddress }]) {
    await rack.exec(worker, ['ping', '-c1', '-W2', address]);
  }
  t.pass();
});

void t.test('pull ends all of a board at once; plug boots it cold, with what was on its card', async (t) => {
  const mark = String(Math.random());
  await rack.exec(worker, ['sh', '-c', `echo ${mark} | tee /var/lib/bramble/mark /etc/mark /run/mark; sync`]);
  await rack.exec(worker, ['systemd-run', '--unit=lasting', 'sleep', '1000']);
  const elsewhere = names.find((name) => name !== worker) ?? worker;

  const pullMs = stopwatch();
  await rack.pull(worker);
  t.comment(`pull took ${pullMs()} ms`);
  t.notOk(await rack.isPlugged(worker));
  t.same(groupsOf(worker), [], 'no control group of it is left');
  const address = rack.layout.boards.find(({ name }) => name === worker)?.address ?? '';
  t.not((await rack.tryExec(elsewhere, ['ping', '-c1', '-W1', address])).code, 0, 'it answers no more');

  const plugMs = stopwatch();
  await rack.plug(worker);
  t.comment(`plug to ssh took ${plugMs()} ms`);
  t.equal((await rack.exec(worker, ['cat', '/var/lib/bramble/mark'])).trim(), mark);
  t.equal((await rack.exec(worker, ['cat', '/etc/mark'])).trim(), mark);
  t.not((await rack.tryExec(worker, ['cat', '/run/mark'])).code, 0, 'memory is lost');
  await rack.exec(worker, ['rm', '/var/lib/bramble/mark', '/etc/mark']);
  await until('containerd runs again', async () => (await isActive('containerd')) === 'active', {
    timeoutMs: 15_000,
    signal,
  });
  t.equal(await isActive('lasting'), 'inactive');
});

void t.test('a board that restarts itself comes back without a hand', async (t) => {
  const bootId = (): Promise<string> => rack.exec(worker, ['cat', '/proc/sys/kernel/random/boot_id']);
  const before = await bootId();
  await rack.tryExec(worker, ['systemctl', 'reboot']);

  const rebootMs = stopwatch();
  await until('another boot', async () => (await bootId()) !== before, { timeoutMs: 60_000, signal });
  t.pass(`reboot took ${rebootMs()} ms`);
  await until('containerd runs again', async () => (await isActive('containerd')) === 'active', {
    timeoutMs: 15_000,
    signal,
  });
});

void t.test('a pulled cable cuts a board off and leaves it running', async (t) => {
  const address = rack.layout.boards.find(({ name }) => name === worker)?.address ?? '';
  await rack.setCable(worker, 'down');
  t.teardown(() => rack.setCable(worker, 'up'));

  t.not((await execAny(['ssh-keyscan', '-T', '1', address], { signal })).stdout.length > 0, true);
  t.ok(await rack.isPlugged(worker));
});

void t.test('a second run of the playbook changes nothing', async (t) => {
  const state = await readState(rack.paths);
  const base = join(rack.paths.bases, state?.base ?? '');
  // A unit that waits for another at boot counts as stopped, and would be started.
  await until(
    'all units run on all boards',
    async () => {
      for (const name of names) await rack.exec(name, ['systemctl', 'is-active', 'bramble-agent']);
      return true;
    },
    { timeoutMs: 60_000, signal },
  );
  const runMs = stopwatch();

  t.same(await provision(rack.paths, base, rack.layout, () => undefined, signal), { changed: 0, failed: 0 });
  t.comment(`playbook without a change took ${runMs()} ms`);
});

void t.test('this machine shows of the rack one interface, one namespace and one table, and no mount', async (t) => {
  const { stdout: links } = await exec(['ip', '-br', 'link'], { signal });
  t.same(
    links
      .split('\n')
      .map((line) => line.split(/[@ ]/)[0] ?? '')
      .filter((name) => /^(bramble-rack|vb-|rack0$)/.test(name)),
    ['bramble-rack0'],
  );
  t.notMatch(readFileSync('/proc/self/mounts', 'utf8'), rack.paths.root);
});

async function isActive(unit: string): Promise<string> {
  return (await rack.tryExec(worker, ['systemctl', 'is-active', unit])).stdout.trim();
}

/** A board's control groups on this machine, in whatever hierarchies it has. */
function groupsOf(board: string): string[] {
  const hierarchies = ['', ...readdirSync('/sys/fs/cgroup')];
  return hierarchies
    .map((name) => join('/sys/fs/cgroup', name, 'bramble-rack', board))
    .filter((dir) => existsSync(dir));
}
