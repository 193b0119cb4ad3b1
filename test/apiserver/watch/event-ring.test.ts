import t from 'tap';
import { CachedObject } from '../../../src/apiserver/storage/cached-object.ts';
import { EventRing, type CacheEvent } from '../../../src/apiserver/watch/event-ring.ts';

function event(revision: number, length = 10, atMs = 0): CacheEvent {
  const object = new CachedObject('/k', 'x'.repeat(length), revision);
  return { revision, type: 'put', object, previous: undefined, atMs };
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

void t.test('EventRing keeps the last minutes of a quiet kind, and the last events however old they are', (t) => {
  const ring = new EventRing(0);
  const kept = (): number => ring.end - ring.after(ring.floor);
  for (let revision = 1; revision <= 3600; revision += 1) ring.push(event(revision, 10, revision * 2000));
  t.ok(kept() >= 150, 'five minutes of an event each two seconds');
  t.ok(kept() < 300, 'not much more');
  for (let revision = 3601; revision <= 4000; revision += 1) ring.push(event(revision, 10, revision * 600_000));
  t.ok(kept() > 90 && kept() <= 150);
  t.end();
});

void t.test('EventRing keeps encoded bytes of the last events only', (t) => {
  const ring = new EventRing(0);
  for (let revision = 1; revision <= 100; revision += 1) {
    const one = event(revision);
    one.encoded = new Map([['json', Buffer.from('x')]]);
    ring.push(one);
  }
  const fresh = Array.from({ length: 100 }, (_, position) => ring.isFresh(position));
  t.same(
    Array.from({ length: 100 }, (_, position) => ring.at(position)?.encoded !== undefined),
    fresh,
  );
  t.equal(fresh.filter(Boolean).length, 32);
  t.end();
});

void t.test('EventRing is bounded by bytes too', (t) => {
  const ring = new EventRing(0);
  for (let revision = 1; revision <= 100; revision += 1) ring.push(event(revision, 1024 * 1024));
  t.ok(ring.end - ring.after(ring.floor) <= 8);
  t.end();
});
