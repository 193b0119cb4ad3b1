import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Pod } from '../../api/objects.ts';
import { isReason, StatusError } from '../../api/status.ts';
import type { Runtime } from '../../host/cri.ts';
import { allContainers } from '../pod-identity.ts';
import type { Handler } from './kubelet-call.ts';
import type { KubeletView } from './kubelet-server.ts';
import { logOptions } from './log-options.ts';
import { readLog } from './read-log.ts';

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
  // The first piece is read before the head is sent: a log that is not there is an error still.
  const first = options.follow ? undefined : await firstOf(texts, logPath);
  response.writeHead(200, { 'content-type': 'text/plain' });
  response.flushHeaders();
  const source = first === undefined ? texts : prepend(first, texts);
  await pipeline(Readable.from(source, { objectMode: false }), response, { signal });
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

type Texts = AsyncGenerator<Buffer, void>;

async function firstOf(texts: Texts, path: string): Promise<Buffer> {
  try {
    const { value, done } = await texts.next();
    return done === true ? Buffer.alloc(0) : value;
  } catch (error) {
    throw new StatusError('InternalError', `failed to try resolving symlinks in path "${path}": ${String(error)}`, {
      cause: error,
    });
  }
}

async function* prepend(first: Buffer, rest: Texts): Texts {
  if (first.length > 0) yield first;
  yield* rest;
}
