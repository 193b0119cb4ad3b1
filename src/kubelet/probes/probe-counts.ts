import type { Pod } from '../../api/objects.ts';
import { podName, podNamespace, podUid } from '../pod-identity.ts';
import type { MetricFamily } from '../server/metric-text.ts';
import type { ProbeKind } from './prober.ts';

type Outcome = 'successful' | 'failed' | 'unknown';

interface Count {
  readonly podUid: string;
  readonly labels: Readonly<Record<string, string>>;
  value: number;
}

const TYPES: Readonly<Record<ProbeKind, string>> = { liveness: 'Liveness', readiness: 'Readiness', startup: 'Startup' };

/** How often each probe of each container was asked, and what came of it: `/metrics/probes` (upstream pkg/kubelet/prober). */
export class ProbeCounts {
  readonly #counts = new Map<string, Count>();

  /** Counts one answer; what could not be asked at all is unknown. */
  add(pod: Pod, container: string, kind: ProbeKind, result: Outcome): void {
    const key = `${podUid(pod)}/${container}/${kind}/${result}`;
    const count = this.#counts.get(key) ?? {
      podUid: podUid(pod),
      labels: labelsOf(pod, container, kind, result),
      value: 0,
    };
    count.value += 1;
    this.#counts.set(key, count);
  }

  /** Forgets a pod that is gone: its labels would stay for ever. */
  remove(uid: string): void {
    for (const [key, count] of this.#counts) if (count.podUid === uid) this.#counts.delete(key);
  }

  families(): readonly MetricFamily[] {
    const samples = Array.from(this.#counts.values(), ({ labels, value }) => ({ labels, value }));
    const help = '[BETA] Cumulative number of a liveness, readiness or startup probe for a container by result.';
    return [{ name: 'prober_probe_total', help, type: 'counter', samples }];
  }
}

function labelsOf(pod: Pod, container: string, kind: ProbeKind, result: Outcome): Record<string, string> {
  return {
    probe_type: TYPES[kind],
    result,
    container,
    pod: podName(pod),
    namespace: podNamespace(pod),
    pod_uid: podUid(pod),
  };
}
