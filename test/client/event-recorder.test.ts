import t from 'tap';
import { StatusError } from '../../src/api/status.ts';
import { createEventRecorder } from '../../src/client/event-recorder.ts';
import { EventCorrelator, type Occurrence } from '../../src/client/event-correlator.ts';
import { coreEvents } from '../../src/client/resources.ts';
import { silentLog } from '../../src/host/log.ts';
import { createFakeApiClient } from '../fake/api-client.ts';
import { createFakeClock, settle } from '../fake/clock.ts';

const about = { apiVersion: 'v1', kind: 'Pod', namespace: 'ns', name: 'web', uid: 'u1' };

function arrange() {
  const client = createFakeApiClient();
  const clock = createFakeClock();
  const recorder = createEventRecorder({ client, component: 'kubelet', host: 'w1', clock, log: silentLog });
  return { client, clock, recorder, stop: new AbortController() };
}

void t.test('record() writes an Event, and counts a repeated one up', async (t) => {
  const { client, clock, recorder, stop } = arrange();
  const running = recorder.run(stop.signal);
  recorder.record(about, 'Warning', 'BackOff', 'Back-off restarting failed container');
  await clock.advance(10_000);
  recorder.record(about, 'Warning', 'BackOff', 'Back-off restarting failed container');
  recorder.record(about, 'Normal', 'Pulled', 'Image is there');
  await settle();
  const { items } = await client.list(coreEvents, { namespace: 'ns' });
  t.equal(items.length, 2);
  t.match(
    items.find(({ reason }) => reason === 'BackOff'),
    {
      metadata: { name: /^web\.[0-9a-f]+$/ },
      count: 2,
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:10Z',
      source: { component: 'kubelet', host: 'w1' },
      involvedObject: about,
      type: 'Warning',
    },
  );
  stop.abort();
  await running;
});

void t.test(
  'an Event that the server has dropped is written anew; one that no server takes is tried again',
  async (t) => {
    const { client, clock, recorder, stop } = arrange();
    const running = recorder.run(stop.signal);
    recorder.record(about, 'Normal', 'Pulled', 'x');
    await settle();
    for (const { metadata } of (await client.list(coreEvents)).items)
      await client.delete(coreEvents, { namespace: 'ns', name: metadata.name ?? '' });
    recorder.record(about, 'Normal', 'Pulled', 'x');
    await settle();
    t.equal((await client.list(coreEvents)).items.length, 1);

    client.onCall = ({ verb }) => {
      if (verb === 'create') throw new StatusError('ServiceUnavailable', 'down');
    };
    recorder.record(about, 'Normal', 'Started', 'y');
    await settle();
    client.onCall = () => undefined;
    await clock.advance(2000);
    t.equal((await client.list(coreEvents)).items.length, 2);
    stop.abort();
    await running;
  },
);

function occurrence(message: string, atMs = 0): Occurrence {
  return { about, type: 'Normal', reason: 'R', message, atMs, serial: 0 };
}

// client-go tools/record/events_cache.go: burst 25, refill one per 5 minutes; more than 10 similar are combined.
void t.test('EventCorrelator drops a flood about one object', (t) => {
  const correlator = new EventCorrelator();
  const planned = Array.from({ length: 40 }, () => correlator.plan(occurrence('m')));
  t.equal(planned.filter((plan) => plan !== undefined).length, 25);
  t.ok(correlator.plan(occurrence('m', 300_000)), 'one more after five minutes');
  t.notOk(correlator.plan(occurrence('m', 300_001)));
  t.end();
});

void t.test('EventCorrelator combines many similar messages into one Event', (t) => {
  const correlator = new EventCorrelator();
  for (let i = 0; i < 10; i += 1) correlator.plan(occurrence(`m${i}`));
  const eleventh = correlator.plan(occurrence('m10'));
  t.match(eleventh, { message: '(combined from similar events): m10', count: 1, first: undefined });
  correlator.written(eleventh?.key ?? '', 'name', 0);
  t.match(correlator.plan(occurrence('m11')), { count: 2, first: { name: 'name' } });
  t.end();
});
