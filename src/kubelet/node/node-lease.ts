import type { Lease, Node } from '../../api/objects.ts';
import { isReason } from '../../api/status.ts';
import { rfc3339Micro } from '../../api/time.ts';
import type { ApiClient } from '../../client/api-client.ts';
import { leases } from '../../client/resources.ts';
import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';

interface NodeLeaseOptions {
  readonly client: ApiClient;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: Log;
  /** The Lease's owner, so that it goes with the Node; undefined until it is registered. */
  readonly node: () => Node | undefined;
  readonly durationSeconds: number;
  readonly renewMs: number;
}

const NAMESPACE = 'kube-node-lease';
const RETRY_MS = 1000;
/** An API server that does not answer within this is given up for the next. */
const CALL_MS = 3000;

/** Renews the board's Lease, by which the cluster knows that it lives, until aborted (KEP-589). */
export async function runNodeLease(options: NodeLeaseOptions, signal: AbortSignal): Promise<void> {
  const { clock, log, renewMs } = options;
  let held: Lease | undefined;
  while (!signal.aborted) {
    let delayMs = renewMs;
    try {
      held = await renew(options, held, AbortSignal.any([signal, AbortSignal.timeout(CALL_MS)]));
    } catch (error) {
      if (signal.aborted) return;
      held = undefined; // read it again: another try may have got through
      delayMs = RETRY_MS;
      if (!isReason(error, 'Conflict')) log.warn('the lease cannot be renewed', { error });
    }
    await clock.sleepMs(delayMs, signal).catch(() => undefined);
  }
}

async function renew(options: NodeLeaseOptions, held: Lease | undefined, signal: AbortSignal): Promise<Lease> {
  const { client, nodeName } = options;
  const current =
    held ??
    (await client.get(leases, NAMESPACE, nodeName, { signal }).catch((error: unknown) => {
      if (isReason(error, 'NotFound')) return undefined;
      throw error;
    }));
  const wanted = wantedLease(options, current);
  return current === undefined ? client.create(leases, wanted, { signal }) : client.update(leases, wanted, { signal });
}

function wantedLease(options: NodeLeaseOptions, current: Lease | undefined): Lease {
  const { nodeName, durationSeconds, clock } = options;
  const uid = options.node()?.metadata?.uid;
  const owners = uid === undefined ? undefined : [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid }];
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      ...current?.metadata,
      name: nodeName,
      namespace: NAMESPACE,
      ...(owners === undefined ? {} : { ownerReferences: owners }),
    },
    spec: {
      ...current?.spec,
      holderIdentity: nodeName,
      leaseDurationSeconds: durationSeconds,
      renewTime: rfc3339Micro(clock.nowMs()),
    },
  };
}
