import type { Node } from '../../api/objects.ts';
import type { Clock } from '../../host/clock.ts';
import type { Runtime } from '../../host/cri/cri.ts';
import type { Log } from '../../host/log.ts';

interface PodCidrOptions {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly log: Log;
  readonly node: () => Node | undefined;
}

const CHECK_MS = 2000;

/** Tells the runtime the board's pod CIDR once the cluster has given it one, and again when it changes. */
export async function runPodCidr({ runtime, clock, log, node }: PodCidrOptions, signal: AbortSignal): Promise<void> {
  let told = '';
  while (!signal.aborted) {
    const { podCIDR = '', podCIDRs = [] } = node()?.spec ?? {};
    const wanted = podCIDRs.length > 0 ? podCIDRs.join(',') : podCIDR;
    if (wanted !== '' && wanted !== told) {
      try {
        await runtime.updatePodCidr(wanted, signal);
        told = wanted;
      } catch (error) {
        if (!signal.aborted) log.warn('the runtime does not take the pod CIDR', { error });
      }
    }
    await clock.sleepMs(CHECK_MS, signal).catch(() => undefined);
  }
}
