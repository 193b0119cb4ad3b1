import { setTimeout as sleep } from 'node:timers/promises';
import { isReason } from '../api/status.ts';
import type { ApiClient } from '../client/api-client.ts';
import { nodes } from '../client/resources.ts';

const CONTROL_ROLE = 'node-role.kubernetes.io/control-plane';

const AGAIN_MS = 2_000;

/**
 * Labels this board's Node as a control board, once its agent has registered it. A kubelet may not give itself a role
 * (NodeRestriction, KEP-279), so the administrator's certificate of the board does.
 */
export async function labelControlBoard(client: ApiClient, name: string, signal: AbortSignal): Promise<void> {
  const body = { metadata: { labels: { [CONTROL_ROLE]: '' } } };
  for (;;) {
    try {
      await client.patch(nodes, { namespace: '', name }, { type: 'merge', body }, { signal });
      return;
    } catch (error) {
      if (!isReason(error, 'NotFound') && !isReason(error, 'ServiceUnavailable') && !isReason(error, 'Timeout'))
        throw error;
    }
    await sleep(AGAIN_MS, undefined, { signal });
  }
}
