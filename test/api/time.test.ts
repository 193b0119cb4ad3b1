import t from 'tap';
import { rfc3339, rfc3339Micro } from '../../src/api/time.ts';

// apimachinery pkg/apis/meta/v1: Time is printed by RFC3339 in UTC, MicroTime by RFC3339Micro.
void t.test('rfc3339() cuts to whole seconds, rfc3339Micro() writes six digits', (t) => {
  const ms = Date.UTC(2026, 10, 20, 10, 11, 12, 987);
  t.equal(rfc3339(ms), '2026-11-20T10:11:12Z');
  t.equal(rfc3339Micro(ms), '2026-11-20T10:11:12.987000Z');
  t.end();
});
