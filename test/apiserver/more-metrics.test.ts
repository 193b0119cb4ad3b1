import t from 'tap';
import { RequestMetrics } from '../../src/apiserver/metrics.ts';
import { Counter, MetricRegistry } from '../../src/host/metrics.ts';

void t.test('RequestMetrics shows what other parts of its process count, and each metric once', async (t) => {
  const more = new MetricRegistry();
  new Counter({ name: 'scheduler_things_total', help: 'Things.', registers: [more] }).inc(3);
  const text = await new RequestMetrics(more).text();
  t.match(text, '\nscheduler_things_total 3\n');
  t.match(text, '\n# TYPE apiserver_request_total counter\n');
  const types = text.match(/^# TYPE \S+/gm) ?? [];
  t.equal(new Set(types).size, types.length);
  for (const line of text.split('\n').filter((one) => one !== ''))
    t.match(line, /^(# |[a-z_]+(\{.*\})? -?[0-9.e+-]+$)/, 'a line of the text format');
});
