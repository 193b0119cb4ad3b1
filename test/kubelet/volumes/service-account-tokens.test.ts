import t from 'tap';
import { ServiceAccountTokens } from '../../../src/kubelet/volumes/service-account-tokens.ts';
import { openVolumeWorld, podWith } from './volume-world.ts';

const { signal } = new AbortController();
const SECOND = 1000;

void t.test('ServiceAccountTokens', async (t) => {
  const world = await openVolumeWorld();
  t.teardown(async () => world.close());
  const tokens = new ServiceAccountTokens(world.host);
  const pod = podWith([]);
  const source = { audience: 'vault', expirationSeconds: 1000 };
  const get = async (): Promise<string> => tokens.get(pod, source, signal);

  await t.test('asks for one bound to the pod', async (t) => {
    t.equal(await get(), 'token-1');
    t.match(world.tokenRequests[0]?.spec, {
      audiences: ['vault'],
      expirationSeconds: 1000,
      boundObjectRef: { kind: 'Pod', name: 'web', uid: 'uid-1' },
    });
  });

  // KEP-1205: refreshed at 80 % of its life, or when it is a day old.
  await t.test('keeps it for 80 % of its life', async (t) => {
    await world.clock.advance(799 * SECOND);
    t.equal(await get(), 'token-1');
    await world.clock.advance(2 * SECOND);
    t.equal(await get(), 'token-2');
  });

  await t.test('keeps the old one while a new one cannot be had and the old still holds', async (t) => {
    world.onToken = () => {
      throw new Error('no API server');
    };
    await world.clock.advance(900 * SECOND);
    t.equal(await get(), 'token-2');
    await world.clock.advance(200 * SECOND);
    await t.rejects(get(), { message: 'no API server' });
    world.onToken = () => undefined;
    t.equal(await get(), 'token-3');
  });

  await t.test('asks again after a day, however long a token lasts', async (t) => {
    const week = { expirationSeconds: 7 * 86_400 };
    const first = await tokens.get(pod, week, signal);
    await world.clock.advance(86_399 * SECOND);
    t.equal(await tokens.get(pod, week, signal), first);
    await world.clock.advance(2 * SECOND);
    t.not(await tokens.get(pod, week, signal), first);
  });

  await t.test('forgets those of a pod that is gone', async (t) => {
    const before = await get();
    tokens.forget('uid-1');
    t.not(await get(), before);
  });
});
