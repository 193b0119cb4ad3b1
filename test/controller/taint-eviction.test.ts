import t from 'tap';
import type { Taint } from '../../src/api/objects.ts';
import { evictionTimeMs } from '../../src/controller/taint-eviction.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
const NOW = '2026-01-01T00:00:00Z';

void t.test('evictionTimeMs() follows the shortest toleration, counted from when the taint was set', (t) => {
  const taint: Taint = { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute', timeAdded: NOW };
  const tolerate = (tolerationSeconds?: number) => ({
    key: taint.key,
    operator: 'Exists' as const,
    effect: 'NoExecute' as const,
    ...(tolerationSeconds === undefined ? {} : { tolerationSeconds }),
  });
  t.equal(evictionTimeMs([taint], [], NOW_MS + 1), NOW_MS + 1, 'not tolerated: now');
  t.equal(evictionTimeMs([taint], [tolerate()], NOW_MS), undefined, 'tolerated for good');
  t.equal(evictionTimeMs([taint], [tolerate(5), tolerate(300)], NOW_MS + 2_000), NOW_MS + 5_000);
  t.equal(evictionTimeMs([taint], [tolerate(-1)], NOW_MS), NOW_MS);
  t.equal(evictionTimeMs([], [], NOW_MS), undefined);
  t.end();
});
