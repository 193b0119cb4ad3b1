import t from 'tap';
import type { ConfigMap } from '../../src/api/objects.ts';
import { StatusError } from '../../src/api/status.ts';
import { createInformer } from '../../src/client/informer.ts';
import { createInformerSet } from '../../src/client/informer-set.ts';
import { configMaps, namespaces } from '../../src/client/resources.ts';
import { silentLog } from '../../src/host/log.ts';
import { createFakeApiClient } from '../fake/api-client.ts';
import { createFakeClock, settle } from '../fake/clock.ts';

function configMap(name: string, team = 'a', data: Record<string, string> = {}): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'ns', name, labels: { team } }, data };
}

function arrange(pageSize = 500) {
  const client = createFakeApiClient();
  const clock = createFakeClock();
  const informer = createInformer(client, configMaps, {
    clock,
    log: silentLog,
    random: () => 0,
    pageSize,
    indexers: { team: (object) => [object.metadata?.labels?.['team'] ?? ''] },
  });
  const seen: string[] = [];
  const stop = new AbortController();
  const follow = (): (() => void) =>
    informer.onChange((before, now) => seen.push(`${before?.metadata?.name ?? '-'}>${now?.metadata?.name ?? '-'}`));
  return { client, clock, informer, seen, stop, follow };
}

void t.test('an informer lists in pages, then follows changes and keeps its indexes', async (t) => {
  const { client, informer, seen, stop, follow } = arrange(2);
  client.seed(configMaps, configMap('one'), configMap('two'), configMap('three', 'b'));
  follow();
  const running = informer.run(stop.signal);
  await informer.synced(stop.signal);
  t.same(seen.toSorted(), ['->one', '->three', '->two']);
  t.equal(client.calls.filter(({ verb }) => verb === 'list').length, 2);
  t.same(
    informer.lister.byIndex('team', 'a').map(({ metadata }) => metadata?.name),
    ['one', 'two'],
  );

  seen.length = 0;
  const one = await client.get(configMaps, 'ns', 'one');
  await client.update(configMaps, { ...one, metadata: { ...one.metadata, labels: { team: 'b' } } });
  await client.delete(configMaps, { namespace: 'ns', name: 'two' });
  await client.create(configMaps, configMap('four'));
  await settle();
  t.same(seen, ['one>one', 'two>-', '->four']);
  t.equal(informer.lister.byIndex('team', 'b').length, 2);
  t.equal(informer.lister.get('ns', 'two'), undefined);
  t.equal(informer.lister.list('other').length, 0);
  stop.abort();
  await running;
});

void t.test('a late handler first hears of what is there, and a failing one harms nobody', async (t) => {
  const { client, informer, seen, stop, follow } = arrange();
  client.seed(configMaps, configMap('one'));
  informer.onChange(() => {
    throw new Error('broken handler');
  });
  const running = informer.run(stop.signal);
  await informer.synced(stop.signal);
  const unfollow = follow();
  t.same(seen, ['->one']);
  unfollow();
  await client.create(configMaps, configMap('two'));
  await settle();
  t.same(seen, ['->one'], 'an ended handler hears nothing more');
  stop.abort();
  await running;
});

void t.test('after a lost watch the informer resumes without listing again', async (t) => {
  const { client, clock, informer, seen, stop, follow } = arrange();
  follow();
  const running = informer.run(stop.signal);
  await informer.synced(stop.signal);
  await settle();
  client.endWatches();
  await client.create(configMaps, configMap('missed'));
  await clock.advance(1000);
  t.same(seen, ['->missed']);
  t.equal(client.calls.filter(({ verb }) => verb === 'list').length, 1);
  stop.abort();
  await running;
});

void t.test('a bookmark moves the resume point over a compaction; without one, 410 leads to a new list', async (t) => {
  const { client, clock, informer, seen, stop, follow } = arrange();
  client.seed(configMaps, configMap('old'));
  follow();
  const running = informer.run(stop.signal);
  await informer.synced(stop.signal);
  await settle();
  client.seed(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'elsewhere' } });
  client.sendBookmarks();
  await settle();
  client.compact();
  client.endWatches();
  await clock.advance(1000);
  t.equal(client.calls.filter(({ verb }) => verb === 'list').length, 1, 'the bookmark was new enough');

  client.endWatches();
  await client.create(configMaps, configMap('new'));
  await client.delete(configMaps, { namespace: 'ns', name: 'old' });
  client.compact();
  await clock.advance(20_000);
  t.equal(client.calls.filter(({ verb }) => verb === 'list').length, 2);
  t.same(seen, ['->old', 'old>-', '->new'], 'the new list told what had been missed');
  stop.abort();
  await running;
});

void t.test('a failing server is asked again with growing pauses', async (t) => {
  const { client, clock, informer, stop } = arrange();
  const times: number[] = [];
  client.onCall = () => {
    times.push(clock.monotonicMs());
    throw new StatusError('ServiceUnavailable', 'down');
  };
  const running = informer.run(stop.signal);
  await clock.advance(1500);
  t.same(times, [0, 100, 300, 700, 1500]);
  stop.abort();
  await running;
});

void t.test('createInformerSet() shares an informer per resource and adds indexes up', async (t) => {
  const client = createFakeApiClient();
  client.seed(configMaps, configMap('one'));
  const set = createInformerSet(client, { clock: createFakeClock(), log: silentLog });
  const first = set.of(configMaps);
  const second = set.of(configMaps, { name: (object) => [object.metadata?.name ?? ''] });
  t.equal(first, second);
  const stop = new AbortController();
  const running = set.run(stop.signal);
  await set.synced(stop.signal);
  t.equal(first.lister.byIndex('name', 'one').length, 1);
  stop.abort();
  await running;
});
