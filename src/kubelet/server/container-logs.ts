import { access } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pod } from '../../api/objects.ts';
import { isReason, StatusError } from '../../api/status.ts';
import type { Runtime } from '../../host/cri/cri.ts';
import { allContainers } from '../pod-identity.ts';
import type { Handler } from './kubelet-call.ts';
import type { KubeletView } from './kubelet-server.ts';
import { logOptions } from './log-options.ts';
import { readLog } from './read-log.ts';

const LOOKS_MAX = 5;
const LOOK_AGAIN_MS = 100;

/** `/containerLogs/{namespace}/{pod}/{container}` */
export const containerLogs: Handler = async ({ view, path, query, signal }, response) => {
  const [namespace = '', name = '', container = ''] = path;
  const pod = podOf(view, namespace, name);
  checkContainer(pod, container);
  const options = logOptions(query, Date.now());
  const { containerId, logPath, isRunning } = await view.findContainer(pod, container, { previous: options.previous });
  const texts = readLog(
    { ...options, path: logPath, isRunning: async () => isRunning && stillRuns(view.runtime, containerId, signal) },
    signal,
  );
  await untilThere(logPath, signal);
  response.writeHead(200, { 'content-type': 'text/plain' });
  response.flushHeaders();
  await pipeline(Readable.from(texts, { objectMode: false }), response, { signal });
};

/** @throws StatusError NotFound with upstream's text */
export function podOf(view: KubeletView, namespace: string, name: string, uid?: string): Pod {
  const pod = view.findPod(namespace, name, uid);
  if (pod === undefined) throw new StatusError('NotFound', `pod "${name}" does not exist\n`);
  return pod;
}

/** @throws StatusError NotFound with upstream's text */
export function checkContainer(pod: Pod, container: string): void {
  if (!allContainers(pod).some(({ name }) => name === container))
    throw new StatusError('NotFound', `container "${container}" not found in pod "${pod.metadata?.name ?? ''}"\n`);
}

async function stillRuns(runtime: Runtime, containerId: string, signal: AbortSignal): Promise<boolean> {
  try {
    return (await runtime.containerStatus(containerId, signal)).state === 'running';
  } catch (error) {
    // A runtime that is being restarted says nothing about the container.
    return !isReason(error, 'NotFound') && !signal.aborted;
  }
}

/** A log that is being rotated is away for a moment. @throws StatusError while the head is not sent: when it stays away */
async function untilThere(path: string, signal: AbortSignal): Promise<void> {
  for (let looks = 1; ; looks += 1) {
    try {
      await access(path);
      return;
    } catch (cause) {
      if (looks === LOOKS_MAX)
        throw new StatusError('InternalError', `failed to try resolving symlinks in path "${path}": ${String(cause)}`, {
          cause,
        });
    }
    await sleep(LOOK_AGAIN_MS, undefined, { signal });
  }
}
