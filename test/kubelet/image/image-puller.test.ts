import t from 'tap';
import type { Container } from '../../../src/api/objects.ts';
import type { SandboxConfig } from '../../../src/host/cri/cri-config.ts';
import { ImagePuller } from '../../../src/kubelet/image/image-puller.ts';
import type { PodEvent } from '../../../src/kubelet/pod-events.ts';
import { pullCredentials } from '../../../src/kubelet/image/pull-credentials.ts';
import { createFakeClock } from '../../fake/clock.ts';
import { FakeImages } from '../../fake/cri.ts';
import { containerOf, podOf } from '../runtime-state.ts';

const { signal } = new AbortController();
const sandbox = {} as SandboxConfig;

function setUp(...present: readonly string[]): {
  images: FakeImages;
  clock: ReturnType<typeof createFakeClock>;
  events: PodEvent[];
  ensure: (image: string, policy?: Container['imagePullPolicy']) => Promise<unknown>;
} {
  const images = new FakeImages(...present);
  const clock = createFakeClock();
  const events: PodEvent[] = [];
  const puller = new ImagePuller({ images, clock, events: { emit: (_, event) => events.push(event) } });
  const ensure = async (image: string, policy?: Container['imagePullPolicy']): Promise<unknown> => {
    const container = containerOf('main', { image, ...(policy === undefined ? {} : { imagePullPolicy: policy }) });
    return puller.ensure(podOf({}), container, [], sandbox, signal).catch((error: unknown) => error);
  };
  return { images, clock, events, ensure };
}

void t.test('ImagePuller pulls by policy', async (t) => {
  const { images, events, ensure } = setUp('img:1', 'img:latest');
  await ensure('img:1');
  t.same(images.pulls, [], 'present');
  const present = 'Container image "img:1" already present on machine and can be accessed by the pod';
  t.match(events, [{ reason: 'Pulled', message: present }]);
  await ensure('img');
  t.same(images.pulls, ['img:latest'], 'latest is pulled always');
  t.match(await ensure('img:2', 'Never'), { reason: 'ErrImageNeverPull' });
  t.match(await ensure('Not A Name'), { reason: 'InvalidImageName' });
  await ensure('img:2');
  t.same(images.pulls, ['img:latest', 'img:2']);
});

void t.test('ImagePuller holds failed pulls back for 10 s, then twice as long', async (t) => {
  const { images, clock, events, ensure } = setUp();
  images.onPull = () => {
    throw new Error('no such image');
  };
  t.match(await ensure('img:1'), { reason: 'ErrImagePull', message: 'no such image' });
  t.match(await ensure('img:1'), {
    reason: 'ImagePullBackOff',
    message: 'Back-off pulling image "img:1": ErrImagePull: no such image',
  });
  await clock.advance(10_000);
  t.match(await ensure('img:1'), { reason: 'ErrImagePull' });
  await clock.advance(15_000);
  t.match(await ensure('img:1'), { reason: 'ImagePullBackOff' });
  await clock.advance(5000);
  images.onPull = () => undefined;
  t.match(await ensure('img:1'), { image: { repoTags: ['img:1'] } });
  t.match(
    events.map(({ reason }) => reason),
    ['Pulling', 'Failed', 'BackOff', 'Pulling', 'Failed', 'BackOff', 'Pulling', 'Pulled'],
  );
  t.match(
    events.at(-1)?.message,
    /^Successfully pulled image "img:1" in 0s \(0s including waiting\)\. Image size: \d+ bytes\.$/,
  );
});

void t.test('ImagePuller pulls one after the other', async (t) => {
  const { images, ensure } = setUp();
  let under = 0;
  let most = 0;
  images.onPull = async () => {
    under += 1;
    most = Math.max(most, under);
    await new Promise((resolve) => setImmediate(resolve));
    under -= 1;
  };
  await Promise.all([ensure('a:1'), ensure('b:1'), ensure('c:1')]);
  t.equal(most, 1);
  t.equal(images.pulls.length, 3);
});

void t.test('ImagePuller lets one that waits give up at once, and nobody overtake', async (t) => {
  const images = new FakeImages();
  const puller = new ImagePuller({ images, clock: createFakeClock(), events: { emit: () => undefined } });
  const ensure = async (image: string, stop: AbortSignal): Promise<unknown> =>
    puller.ensure(podOf({}), containerOf('main', { image }), [], sandbox, stop).catch((error: unknown) => error);
  const { promise: slow, resolve: finish } = Promise.withResolvers<undefined>();
  images.onPull = async (image) => {
    if (image === 'slow:1') await slow;
  };
  const first = ensure('slow:1', signal);
  const stop = new AbortController();
  const second = ensure('given-up:1', stop.signal);
  const third = ensure('last:1', signal);
  await new Promise((resolve) => setImmediate(resolve));
  stop.abort(new Error('deleted'));
  t.match(await second, { message: 'deleted' });
  await new Promise((resolve) => setImmediate(resolve));
  t.same(images.pulls, ['slow:1'], 'the third still waits');
  finish(undefined);
  await Promise.all([first, third]);
  t.same(images.pulls, ['slow:1', 'last:1']);
});

void t.test('pullCredentials() finds the most specific of all secrets', (t) => {
  const auths = {
    'https://index.docker.io/v1/': { auth: Buffer.from('hub:p:w').toString('base64') },
    'r.example': { username: 'all', password: 'x' },
    'r.example/team': { username: 'team', password: 'y' },
    '*.wild.example': { username: 'wild', password: 'z' },
  };
  const data = { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64') };
  const secret = { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/dockerconfigjson', data } as const;
  const broken = { ...secret, data: { '.dockerconfigjson': 'e30=x' } };
  const users = (image: string): readonly (string | undefined)[] =>
    pullCredentials(image, [broken, secret]).map(({ username }) => username);
  t.same(users('r.example/team/app:1'), ['team', 'all']);
  t.same(users('r.example/other/app:1'), ['all']);
  t.same(users('r.example/teamwork/app'), ['all']);
  t.same(users('a.wild.example/app'), ['wild']);
  t.same(users('busybox'), ['hub']);
  t.match(pullCredentials('busybox', [secret]), [{ password: 'p:w' }]);
  t.same(users('elsewhere.example/app'), []);
  t.end();
});

void t.test('pullCredentials() matches `*` within a part of the host, however many there are', (t) => {
  const names = (host: string, image: string): number => {
    const auths = { [host]: { username: 'u', password: 'p' } };
    const data = { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64') };
    const secret = { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/dockerconfigjson', data } as const;
    return pullCredentials(image, [secret]).length;
  };
  for (const host of ['*.example.com', 'r*.example.com', '*g*.example.com', 'reg.ex*le.com', 'r*g.*.com'])
    t.equal(names(host, 'reg.example.com/a'), 1, host);
  for (const host of ['*.com', 'r*x.example.com', 'rege*g.example.com', 'reg.example.*m.com'])
    t.equal(names(host, 'reg.example.com/a'), 0, host);
  const startMs = performance.now();
  names(`${'*a'.repeat(30)}.com`, `${'a'.repeat(60)}b.com/x`);
  t.ok(performance.now() - startMs < 1000, 'as a pattern it would take hours');
  t.end();
});
