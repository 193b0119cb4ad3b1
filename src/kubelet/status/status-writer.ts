import { isDeepStrictEqual } from 'node:util';
import type { Pod, PodStatus } from '../../api/objects.ts';
import { isReason } from '../../api/status.ts';
import type { ApiClient } from '../../client/api-client.ts';
import { pods } from '../../client/resources.ts';
import { createWorkQueue } from '../../client/work-queue.ts';
import type { WorkQueue } from '../../client/work-queue.ts';
import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import { isMirrorPod, podName, podNamespace, podUid } from '../pod-identity.ts';
import type { StatusSink } from '../pod-syncer.ts';
import { statusPatch } from './status-patch.ts';

interface StatusWriterOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
  /** The pod in the API that shows the status of the pod of that uid: itself, or a static pod's mirror. */
  readonly apiPod: (uid: string) => Pod | undefined;
  /** Whether nothing of the pod is left on the board: then a deleted pod's object may go. */
  readonly isFinished: (uid: string) => boolean;
}

/** Writes under way at once; the API server need not take a board's whole state in one go. */
const WRITERS = 4;
const RETRY_MIN_MS = 200;
const RETRY_MAX_MS = 10_000;

/** Keeps the statuses of all pods and brings each to the API; removes deleted pods when nothing of them is left. */
export class StatusWriter implements StatusSink {
  readonly #options: StatusWriterOptions;
  readonly #statuses = new Map<string, PodStatus>();
  readonly #queue: WorkQueue;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
    const { clock, log } = options;
    this.#queue = createWorkQueue({
      name: 'pod-status',
      clock,
      log,
      baseDelayMs: RETRY_MIN_MS,
      maxDelayMs: RETRY_MAX_MS,
    });
  }

  get(uid: string): PodStatus | undefined {
    return this.#statuses.get(uid);
  }

  set(pod: Pod, status: PodStatus): void {
    const uid = podUid(pod);
    if (isDeepStrictEqual(this.#statuses.get(uid), status)) return;
    this.#statuses.set(uid, status);
    this.#queue.add(uid);
  }

  /** The API's pod changed, or the pod has ended: see whether there is something to write. */
  reconcile(uid: string): void {
    this.#queue.add(uid);
  }

  /** The pod is gone from its source. */
  forget(uid: string): void {
    this.#statuses.delete(uid);
  }

  /** Writes until aborted. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#queue.run(WRITERS, async (uid, signal) => this.#write(uid, signal), signal);
  }

  async #write(uid: string, signal: AbortSignal): Promise<void> {
    const apiPod = this.#options.apiPod(uid);
    if (apiPod === undefined) return;
    try {
      await this.#patch(uid, apiPod, signal);
      const isDeleted = apiPod.metadata?.deletionTimestamp !== undefined && !isMirrorPod(apiPod);
      if (isDeleted && this.#options.isFinished(uid)) await this.#remove(apiPod, signal);
    } catch (error) {
      // Gone, or another pod of the same name: the informer will say so.
      if (isReason(error, 'NotFound') || isReason(error, 'Conflict')) return;
      throw error;
    }
  }

  async #patch(uid: string, apiPod: Pod, signal: AbortSignal): Promise<void> {
    const status = this.#statuses.get(uid);
    if (status === undefined) return;
    const patch = statusPatch(apiPod.status ?? {}, status);
    if (patch === undefined) return;
    const key = { namespace: podNamespace(apiPod), name: podName(apiPod) };
    // The uid makes a patch for a pod that was replaced a Conflict.
    const body = { metadata: { uid: podUid(apiPod) }, status: patch };
    await this.#options.client.patch(pods, key, { type: 'strategic', body }, { subresource: 'status', signal });
  }

  async #remove(apiPod: Pod, signal: AbortSignal): Promise<void> {
    const key = { namespace: podNamespace(apiPod), name: podName(apiPod) };
    const preconditions = { uid: podUid(apiPod) };
    await this.#options.client.delete(pods, key, { gracePeriodSeconds: 0, preconditions, signal });
  }
}
