import { mkdir } from 'node:fs/promises';
import { createEventRecorder } from '../client/event-recorder.ts';
import { readBoard } from '../host/board.ts';
import type { RuntimeVersion } from '../host/cri/cri.ts';
import { runTogether } from '../host/run-together.ts';
import type { Runnable } from '../host/run-together.ts';
import { assembleKubelet } from './assemble-kubelet.ts';
import type { AssembledKubelet } from './assemble-kubelet.ts';
import { runLogRotation } from './container/container-logs.ts';
import { completeOptions } from './kubelet-options.ts';
import type { CompleteKubeletOptions, KubeletOptions } from './kubelet-options.ts';
import type { KubeletParts } from './kubelet-parts.ts';
import { runNodeLease } from './node/node-lease.ts';
import { runPodCidr } from './node/pod-cidr.ts';
import { RuntimeMetrics } from './runtime-metrics.ts';

const RUNTIME_RETRY_MS = 1000;

/**
 * Runs the kubelet of this board until aborted: waits for the runtime, registers the Node, runs the pods bound to it,
 * serves port 10250. Pods go on when it ends, and are taken up again when it starts.
 */
export async function runKubeletWith(own: KubeletParts, given: KubeletOptions, signal: AbortSignal): Promise<void> {
  const metrics = new RuntimeMetrics();
  const parts = { ...own, runtime: metrics.runtime(own.runtime), images: metrics.images(own.images) };
  const { clock, log } = parts;
  const version = await waitForRuntime(parts, signal);
  if (version === undefined) return;
  const options = await withRuntimesDriver(parts, completeOptions(given), signal);
  const { client, nodeName, rootDir } = options;
  await mkdir(rootDir, { recursive: true, mode: 0o750 });
  const board = await readBoard({ root: '/', storage: rootDir });
  const recorder = createEventRecorder({ client, component: 'kubelet', host: nodeName, clock, log });
  const assembled = assembleKubelet({ parts, options, board, version, recorder, metrics });
  await assembled.deps.cgroups.ensureRoot();
  log.info('the kubelet starts', { node: nodeName, runtime: `${version.name} ${version.version}` });
  await runTogether([recorder, assembled.kubelet, ...assembled.others, ...loops(parts, options, assembled)], signal);
}

/** What the runtime is, once it answers; undefined when aborted before. */
async function waitForRuntime(
  { runtime, clock, log }: KubeletParts,
  signal: AbortSignal,
): Promise<RuntimeVersion | undefined> {
  let hasComplained = false;
  while (!signal.aborted) {
    try {
      return await runtime.version(signal);
    } catch (error) {
      if (!hasComplained && !signal.aborted) log.warn('waiting for the container runtime', { error });
      hasComplained = true;
    }
    await clock.sleepMs(RUNTIME_RETRY_MS, signal).catch(() => undefined);
  }
  return undefined;
}

/** The runtime's own word on how cgroups are named goes before the setting, as upstream has it: the two must agree. */
async function withRuntimesDriver(
  { runtime, log }: KubeletParts,
  options: CompleteKubeletOptions,
  signal: AbortSignal,
): Promise<CompleteKubeletOptions> {
  const found = await runtime.cgroupDriver(signal).catch((error: unknown) => {
    log.debug('the runtime does not say which cgroup driver it has', { error, taken: options.cgroupDriver });
    return undefined;
  });
  return found === undefined ? options : { ...options, cgroupDriver: found };
}

function loops(
  parts: KubeletParts,
  options: CompleteKubeletOptions,
  { kubelet, reporter }: AssembledKubelet,
): readonly Runnable[] {
  const { runtime, clock, log } = parts;
  const { client, nodeName, leaseDurationSeconds: durationSeconds } = options;
  const renewMs = durationSeconds * 250;
  const lease = { client, nodeName, clock, log, node: () => reporter.node, durationSeconds, renewMs };
  const { containerLogSizeMax: sizeMax, containerLogFilesMax: filesMax, podLogsDir } = options;
  return [
    { run: async (signal) => runNodeLease(lease, signal) },
    { run: async (signal) => runLogRotation({ runtime, clock, log, sizeMax, filesMax, podLogsDir }, signal) },
    { run: async (signal) => runPodCidr({ runtime, clock, log, node: () => reporter.node }, signal) },
    { run: async (signal) => parts.runServer(kubelet, options.server, client, signal) },
  ];
}
