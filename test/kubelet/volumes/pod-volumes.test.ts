import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { exec } from '../../../src/host/exec.ts';
import { mountsBelow } from '../../../src/host/mount.ts';
import { createPodVolumes } from '../../../src/kubelet/volumes/pod-volumes.ts';
import type { PodVolumes } from '../../../src/kubelet/volumes/volume-plugin.ts';
import { openVolumeWorld, podWith } from './volume-world.ts';
import type { VolumeWorld } from './volume-world.ts';

const { signal } = new AbortController();
const skip = process.getuid?.() === 0 ? {} : { skip: 'needs root for mounts' };

async function open(t: Test): Promise<{ readonly world: VolumeWorld; readonly volumes: PodVolumes }> {
  const world = await openVolumeWorld();
  t.teardown(async () => world.close());
  return { world, volumes: createPodVolumes(world.host) };
}

function objectOf<T extends string>(kind: T, name: string) {
  return { apiVersion: 'v1', kind, metadata: { name, namespace: 'default' } } as const;
}

function configMap(data: Readonly<Record<string, string>>) {
  return { ...objectOf('ConfigMap', 'config'), data: { ...data } };
}

async function modeOf(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o7777).toString(8);
}

void t.test('a ConfigMap: items, modes, what is optional', skip, async (t) => {
  const { world, volumes } = await open(t);
  world.configMaps.set('config', { ...configMap({ a: '1', b: '2' }), binaryData: { bin: 'AAE=' } });
  const items = [
    { key: 'a', path: 'sub/first', mode: 0o400 },
    { key: 'b', path: 'second' },
  ];
  const pod = podWith([
    { name: 'all', configMap: { name: 'config' } },
    { name: 'some', configMap: { name: 'config', items, defaultMode: 0o640 } },
    { name: 'maybe', configMap: { name: 'none', optional: true } },
    { name: 'key', configMap: { name: 'config', optional: true, items: [{ key: 'none', path: 'x' }] } },
  ]);
  const mounted = await volumes.setupPod(pod, signal);
  const path = (name: string): string => mounted.get(name)?.hostPath ?? '';
  t.same([...(await readFile(join(path('all'), 'bin')))], [0, 1]);
  t.equal(await readFile(join(path('some'), 'sub/first'), 'utf8'), '1');
  t.same([await modeOf(join(path('some'), 'sub/first')), await modeOf(join(path('some'), 'second'))], ['400', '640']);
  t.same(
    (await readdir(path('maybe'))).filter((name) => !name.startsWith('..')),
    [],
  );
  t.same(
    (await readdir(path('key'))).filter((name) => !name.startsWith('..')),
    [],
  );
  t.ok(mounted.get('all')?.readOnly);
});

void t.test("what must be there and is not: upstream's texts", skip, async (t) => {
  const { world, volumes } = await open(t);
  world.configMaps.set('config', configMap({ a: '1' }));
  world.secrets.set('secret', { ...objectOf('Secret', 'secret'), data: {} });
  const items = [{ key: 'none', path: 'x' }];
  const prefix = 'MountVolume.SetUp failed for volume "v" : ';
  for (const [volume, message] of [
    [{ name: 'v', configMap: { name: 'gone' } }, 'configmaps "gone" not found'],
    [{ name: 'v', configMap: { name: 'config', items } }, 'configmap references non-existent config key: none'],
    [{ name: 'v', secret: { secretName: 'secret', items } }, 'references non-existent secret key: none'],
  ] as const)
    await t.rejects(volumes.setupPod(podWith([structuredClone(volume)]), signal), { message: `${prefix}${message}` });
});

void t.test('the projected volume that every pod has', skip, async (t) => {
  const { world, volumes } = await open(t);
  world.configMaps.set('kube-root-ca.crt', { ...objectOf('ConfigMap', 'kube-root-ca.crt'), data: { 'ca.crt': 'PEM' } });
  const access = {
    name: 'kube-api-access-x',
    projected: {
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.name' } }] } },
      ],
    },
  };
  const pod = podWith([access]);
  world.pods.push(pod);
  const path = (await volumes.setupPod(pod, signal)).get('kube-api-access-x')?.hostPath ?? '';
  const read = async (name: string): Promise<string> => readFile(join(path, name), 'utf8');
  t.same([await read('token'), await read('ca.crt'), await read('namespace')], ['token-1', 'PEM', 'web']);
  t.same(await mountsBelow(path), [path], 'a token never touches the card');
  const stop = new AbortController();
  const running = volumes.run(stop.signal);
  const untilAsleep = async (): Promise<void> => {
    for (let i = 0; i < 200 && world.clock.sleeping === 0; i += 1)
      await new Promise((resolve) => setTimeout(resolve, 10));
  };
  await world.clock.advance(20_000);
  await untilAsleep();
  t.equal(await read('token'), 'token-1');
  await world.clock.advance(3607 * 800);
  await untilAsleep();
  await world.clock.advance(20_000); // the look that the jump above had begun was of before
  await untilAsleep();
  t.equal(await read('token'), 'token-2', 'refreshed at 80 % of its life');
  stop.abort();
  await running;
  await volumes.setupPod(pod, signal);
  t.same(await mountsBelow(path), [path], 'mounted once, however often it is set up');
  const own = podWith([access], { securityContext: { runAsUser: 1234 } });
  await volumes.teardownPod('uid-1', signal);
  await volumes.setupPod(own, signal);
  t.match(await stat(join(path, 'token')), { uid: 1234 }, 'for the one user of the pod alone');
  t.equal(await modeOf(join(path, 'token')), '600');
});

void t.test('fsGroup may read content and write emptyDir', skip, async (t) => {
  const { world, volumes } = await open(t);
  world.secrets.set('secret', { ...objectOf('Secret', 'secret'), data: { key: 'eA==' } });
  const pod = podWith(
    [
      { name: 's', secret: { secretName: 'secret', defaultMode: 0o400 } },
      { name: 'e', emptyDir: {} },
    ],
    { securityContext: { fsGroup: 2000 } },
  );
  const mounted = await volumes.setupPod(pod, signal);
  const [secret, empty] = [mounted.get('s')?.hostPath ?? '', mounted.get('e')?.hostPath ?? ''];
  t.equal((await stat(join(secret, 'key'))).gid, 2000);
  t.equal(await modeOf(join(secret, 'key')), '440');
  t.match([(await stat(empty)).gid, await modeOf(empty)], [2000, '2777']);
});

void t.test('emptyDir keeps what its pod made of it', skip, async (t) => {
  const { volumes } = await open(t);
  const pod = podWith([
    { name: 'disk', emptyDir: {} },
    { name: 'memory', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
  ]);
  const mounted = await volumes.setupPod(pod, signal);
  const [disk, memory] = [mounted.get('disk')?.hostPath ?? '', mounted.get('memory')?.hostPath ?? ''];
  t.same([await modeOf(disk), await modeOf(memory)], ['777', '777']);
  await t.rejects(writeFile(join(memory, 'big'), Buffer.alloc(2 << 20)), { code: 'ENOSPC' });
  await chmod(disk, 0o700); // as PostgreSQL does
  await chmod(memory, 0o700);
  await writeFile(join(disk, 'kept'), '');
  await volumes.setupPod(pod, signal);
  t.same([await modeOf(disk), await modeOf(memory)], ['700', '700']);
  t.ok(await stat(join(disk, 'kept')));
});

void t.test('teardownPod() unmounts first and never deletes through a mount', skip, async (t) => {
  const { world, volumes } = await open(t);
  const precious = join(world.host.rootDir, 'precious');
  await mkdir(precious);
  await writeFile(join(precious, 'data'), 'kept');
  const pod = podWith([
    { name: 'e', emptyDir: {} },
    { name: 'm', emptyDir: { medium: 'Memory' } },
  ]);
  const path = (await volumes.setupPod(pod, signal)).get('e')?.hostPath ?? '';
  await mkdir(join(path, 'inner'));
  await exec(['mount', '--bind', precious, join(path, 'inner')]);
  await symlink(precious, join(path, 'link'));
  t.equal(await volumes.hasVolumes('uid-1'), true);
  await volumes.teardownPod('uid-1', signal);
  t.equal(await readFile(join(precious, 'data'), 'utf8'), 'kept');
  t.equal(await volumes.hasVolumes('uid-1'), false);
  t.same(await mountsBelow(world.host.rootDir), []);
  await volumes.teardownPod('uid-1', signal);
});

void t.test('a root folder behind a link: mounts are found all the same', skip, async (t) => {
  const { world } = await open(t);
  await mkdir(join(world.host.rootDir, 'real'));
  await symlink('real', join(world.host.rootDir, 'link'));
  const volumes = createPodVolumes({ ...world.host, rootDir: join(world.host.rootDir, 'link') });
  const pod = podWith([{ name: 'm', emptyDir: { medium: 'Memory' } }]);
  await volumes.setupPod(pod, signal);
  await volumes.setupPod(pod, signal);
  t.equal((await mountsBelow(world.host.rootDir)).length, 1);
  await volumes.teardownPod('uid-1', signal);
  t.same(await mountsBelow(world.host.rootDir), []);
});
