import * as dns from 'dns-packet';
import t from 'tap';
import { AnswerCache } from '../../../src/network/dns/answer-cache.ts';
import { aged, cacheSeconds, fitted, layoutOf, withId } from '../../../src/network/dns/wire.ts';

function response(answers: dns.Answer[], options: Partial<dns.Packet> = {}): Buffer {
  return dns.encode({
    type: 'response',
    id: 7,
    flags: 0,
    questions: [{ type: 'A', name: 'Example.org' }],
    answers,
    ...options,
  });
}

const SOA: dns.Answer = {
  type: 'SOA',
  name: 'org',
  ttl: 900,
  data: { mname: 'a', rname: 'b', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 60 },
};
const a = (ttl: number, data = '192.0.2.1'): dns.Answer => ({ type: 'A', name: 'example.org', ttl, data });

function seconds(message: Buffer): number {
  const layout = layoutOf(message);
  return layout === undefined ? -1 : cacheSeconds(message, layout);
}

void t.test('layoutOf() reads through a message, and refuses what is broken', (t) => {
  const message = response([a(30), a(60)], { authorities: [SOA] });
  const layout = layoutOf(message);
  t.same(
    layout?.records.map(({ section, ttl }) => [section, ttl]),
    [
      ['answer', 30],
      ['answer', 60],
      ['authority', 900],
    ],
  );
  t.equal(
    layout?.question,
    layoutOf(Buffer.from(message.toString('latin1').replace('Example', 'eXAMPLE'), 'latin1'))?.question,
  );
  for (let length = 0; length < message.length; length += 1)
    t.equal(layoutOf(message.subarray(0, length)), undefined, `cut at ${length}`);
  const endless = Buffer.from(message);
  endless.fill(63, 12);
  t.equal(layoutOf(endless), undefined);
  t.end();
});

void t.test('layoutOf() survives any bytes', (t) => {
  let seed = 1;
  for (let i = 0; i < 2000; i += 1) {
    const bytes = response([a(30)]);
    for (let j = 0; j < 4; j += 1) {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      bytes[seed % bytes.length] = (seed >> 8) & 255;
    }
    layoutOf(bytes);
  }
  t.pass('no throw, no hang');
  t.end();
});

// RFC 2308 section 5: negative answers live as long as the lesser of the SOA's own time to live and its minimum.
void t.test('cacheSeconds() is that of the shortest answer, and of the SOA for negative ones', (t) => {
  t.equal(seconds(response([a(30), a(60)])), 30);
  t.equal(seconds(response([], { authorities: [SOA] })), 60);
  t.equal(seconds(response([], { authorities: [SOA], flags: 3 })), 60, 'no such name');
  t.equal(seconds(response([], { flags: 3 })), 0, 'without an SOA');
  t.equal(seconds(response([], { authorities: [SOA], flags: 2 })), 0, 'a failure');
  t.equal(seconds(response([a(30)], { flags: dns.TRUNCATED_RESPONSE })), 0);
  t.end();
});

void t.test('aged() takes time off every record but never below 0, and withId() changes the id alone', (t) => {
  const message = response([a(30), a(5)]);
  const layout = layoutOf(message);
  if (layout === undefined) throw new Error('a message');
  const old = dns.decode(aged(message, layout, 10));
  t.same(
    old.answers?.map((answer) => ('ttl' in answer ? answer.ttl : undefined)),
    [20, 0],
  );
  t.equal(dns.decode(withId(message, 99)).id, 99);
  t.equal(dns.decode(message).id, 7, 'the original stays');
  t.end();
});

void t.test('fitted() leaves whole records that fit, and says that there were more', (t) => {
  const message = response(
    Array.from({ length: 50 }, (_, index) => a(5, `192.0.2.${index}`)),
    { authorities: [SOA] },
  );
  const cut = fitted(message, 512);
  const packet = dns.decode(cut);
  t.ok(cut.length <= 512 && cut.length > 450, `${cut.length} bytes`);
  t.ok(packet.flag_tc);
  t.ok((packet.answers?.length ?? 0) > 10);
  t.equal(packet.authorities?.length, 0);
  t.equal(fitted(message, message.length), message);
  t.end();
});

void t.test('AnswerCache gives what is left, and nothing once it has run out', (t) => {
  const cache = new AnswerCache();
  cache.put('k', response([a(30)]), 1000);
  const [answer] = dns.decode(cache.get('k', 11_000) ?? Buffer.alloc(0)).answers ?? [];
  t.equal(answer !== undefined && 'ttl' in answer ? answer.ttl : undefined, 20);
  t.equal(cache.get('k', 31_000), undefined);
  t.end();
});

void t.test('AnswerCache forgets the least recently used beyond its limit', (t) => {
  const cache = new AnswerCache();
  for (let i = 0; i < 4096; i += 1) cache.put(`k${i}`, response([a(30)]), 0);
  t.ok(cache.get('k0', 1));
  cache.put('one more', response([a(30)]), 1);
  t.ok(cache.get('k0', 2), 'used a moment ago');
  t.equal(cache.get('k1', 2), undefined);
  t.end();
});
