import type { Pod } from '../api/objects.ts';
import { isPodReady } from '../api/pod-facts.ts';
import { ignoring } from '../api/status.ts';
import { rfc3339 } from '../api/time.ts';
import { pods } from '../client/resources.ts';
import type { ControllerContext } from './controller.ts';

/** Takes a Node's pods out of Services, as nobody can say any more that they serve. */
export async function markPodsNotReady(
  { client, clock }: ControllerContext,
  all: readonly Pod[],
  signal: AbortSignal,
): Promise<void> {
  for (const pod of all.filter(isPodReady)) {
    const { namespace = '', name = '', uid } = pod.metadata ?? {};
    const lastTransitionTime = rfc3339(clock.nowMs());
    const conditions = [{ type: 'Ready', status: 'False', reason: 'NodeNotReady', lastTransitionTime }];
    const body = { metadata: { uid }, status: { conditions } };
    await client
      .patch(pods, { namespace, name }, { type: 'strategic', body }, { subresource: 'status', signal })
      .catch(ignoring('NotFound', 'Conflict'));
  }
}
