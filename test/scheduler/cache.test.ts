import t from 'tap';
import { SchedulerCache } from '../../src/scheduler/cache.ts';
import { readPod } from '../../src/scheduler/pod-info.ts';
import { node, pod } from './arrange.ts';

const on = (name: string, nodeName: string, cpu = '1') => readPod(pod(name, { requests: { cpu }, spec: { nodeName } }));

void t.test('pods count on their node whichever of the two is heard of first', (t) => {
  const cache = new SchedulerCache();
  cache.putPod(on('early', 'w1'));
  t.equal(cache.node('w1'), undefined);
  cache.putNode(node('w1'));
  t.equal(cache.node('w1')?.requested.get('cpu'), 1000);
  cache.putPod(on('early', 'w1', '3'));
  t.equal(cache.node('w1')?.requested.get('cpu'), 3000, 'a new state takes the place of the old');

  cache.removeNode('w1');
  t.same(cache.nodes, []);
  cache.putPod(on('late', 'w1'));
  cache.removePod('ns/early');
  cache.putNode(node('w1'));
  t.same([...(cache.node('w1')?.pods.keys() ?? [])], ['ns/late']);
  t.equal(cache.node('w1')?.requested.get('cpu'), 1000);
  t.end();
});

void t.test('an assumed pod takes room until it is confirmed or forgotten', (t) => {
  const cache = new SchedulerCache();
  cache.putNode(node('w1'));
  const waiting = readPod(pod('p', { requests: { cpu: '1' } }));
  cache.assume(waiting, 'w1');
  t.ok(cache.isAssumed('ns/p'));
  t.equal(cache.node('w1')?.requested.get('cpu'), 1000);
  cache.forget(waiting);
  t.equal(cache.node('w1')?.requested.get('cpu'), 0);

  cache.assume(waiting, 'w1');
  cache.forget({ key: 'ns/p', uid: 'of an older pod of that name' });
  t.ok(cache.isAssumed('ns/p'));
  cache.putPod(on('p', 'w1'));
  t.notOk(cache.isAssumed('ns/p'));
  cache.forget(waiting);
  t.equal(cache.node('w1')?.pods.size, 1, 'what the API server confirmed is not forgotten');
  t.end();
});

void t.test('a changed node keeps its pods', (t) => {
  const cache = new SchedulerCache();
  cache.putNode(node('w1'));
  cache.putPod(on('p', 'w1'));
  cache.putNode(node('w1', { labels: { new: 'yes' } }));
  t.equal(cache.node('w1')?.labels['new'], 'yes');
  t.equal(cache.node('w1')?.pods.size, 1);
  t.end();
});
