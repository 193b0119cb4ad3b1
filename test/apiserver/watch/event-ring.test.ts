import t from 'tap';
import { CachedObject } from '../../../src/apiserver/storage/cached-object.ts';
import { EventRing, type CacheEvent } from '../../../src/apiserver/watch/event-ring.ts';

function event(revision: number, length = 10): CacheEvent {
  const object = new CachedObject('/k', 'x'.repeat(length), revision);
  return { revision, type: 'put', object, previous: undefined, encoded: new Map() };
}

void t.test('EventRing.after() gives the position of the first event that a resuming watch has not seen', (t) => {
  const ring = new EventRing(10);
  for (const revision of [11, 13, 13, 17]) ring.push(event(revision));

  t.equal(ring.after(10), 0);
  t.equal(ring.after(12), 1);
  t.equal(ring.after(13), 3);
  t.equal(ring.after(99), 4);
  t.equal(ring.floor, 10);
  t.end();
});

void t.test('EventRing drops the oldest at its bounds, never a part of a revision, and raises its floor', (t) => {
  const ring = new EventRing(0);
  for (let revision = 1; revision <= 5000; revision += 1) ring.push(event(revision));

  t.equal(ring.end, 5000, 'positions go on counting');
  t.ok(ring.floor > 2000, 'no more than some thousand events are kept');
  t.equal(ring.at(ring.after(ring.floor))?.revision, ring.floor + 1);
  t.notOk(ring.has(0));
  t.throws(() => ring.at(0), RangeError);
  t.end();
});

void t.test('EventRing is bounded by bytes too', (t) => {
  const ring = new EventRing(0);
  for (let revision = 1; revision <= 100; revision += 1) ring.push(event(revision, 1024 * 1024));
  t.ok(ring.end - ring.after(ring.floor) <= 8);
  t.end();
});
