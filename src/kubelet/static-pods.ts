import { createHash } from 'node:crypto';
import { watch } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '../api/objects.ts';
import { parseYaml } from '../api/yaml.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { staticPodAnnotations } from './pod-identity.ts';

interface StaticPodsOptions {
  /** `/etc/kubernetes/manifests` */
  readonly folder: string;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Gets all static pods each time that they may have changed. */
  readonly onPods: (pods: readonly Pod[]) => void;
}

/** Read at least this often, should the kernel's word of a change be missed (upstream fileCheckFrequency). */
const CHECK_MS = 20_000;
/** More files than this are not read. */
const FILES_MAX = 110;
/** How long a static pod tolerates everything: for ever. */
const TOLERATION = { operator: 'Exists', effect: 'NoExecute' } as const;

/** Reads the folder of static pods now and at each change, until aborted. */
export async function runStaticPods(options: StaticPodsOptions, signal: AbortSignal): Promise<void> {
  let last = '';
  while (!signal.aborted) {
    const found = await readStaticPods(options);
    const text = JSON.stringify(found);
    if (text !== last) options.onPods(found);
    last = text;
    await changeOrTimeout(options, signal);
  }
}

/** The pods of all files that hold one; a broken file is told of and passed over. */
async function readStaticPods({ folder, nodeName, log }: StaticPodsOptions): Promise<readonly Pod[]> {
  const names = await readdir(folder).catch(() => []);
  const pods: Pod[] = [];
  for (const name of names
    .filter((one) => !one.startsWith('.'))
    .toSorted()
    .slice(0, FILES_MAX)) {
    const path = join(folder, name);
    try {
      const text = await readFile(path, 'utf8');
      pods.push(staticPod(text, path, nodeName));
    } catch (error) {
      log.warn('a static pod cannot be read', { path, error });
    }
  }
  return pods;
}

/** A file's pod with the name, uid and defaults that a static pod gets (upstream config/common.go). @throws Error */
export function staticPod(text: string, path: string, nodeName: string): Pod {
  const parsed: unknown = parseYaml(text);
  if (typeof parsed !== 'object' || parsed === null || !('kind' in parsed) || parsed.kind !== 'Pod')
    throw new Error(`"${path}" holds no Pod`);
  const pod = parsed as Pod;
  if (pod.spec === undefined || !Array.isArray(pod.spec.containers) || (pod.metadata?.name ?? '') === '')
    throw new Error(`"${path}" holds a Pod without a name or containers`);
  const uid = pod.metadata?.uid ?? createHash('md5').update(`host:${nodeName}file:${path}`).update(text).digest('hex');
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      uid,
      name: `${pod.metadata?.name}-${nodeName.toLowerCase()}`,
      namespace: pod.metadata?.namespace ?? 'default',
      annotations: { ...pod.metadata?.annotations, ...staticPodAnnotations(uid) },
    },
    spec: {
      restartPolicy: 'Always',
      dnsPolicy: 'ClusterFirst',
      terminationGracePeriodSeconds: 30,
      enableServiceLinks: true,
      securityContext: {},
      schedulerName: 'default-scheduler',
      ...pod.spec,
      nodeName,
      tolerations: [...(pod.spec.tolerations ?? []), TOLERATION],
    },
    status: { phase: 'Pending' },
  };
}

async function changeOrTimeout({ folder, clock }: StaticPodsOptions, signal: AbortSignal): Promise<void> {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const watcher = openWatcher(folder, () => stop.abort());
  await clock.sleepMs(CHECK_MS, both).catch(() => undefined);
  watcher?.close();
}

/** Undefined while there is no such folder: it may come. */
function openWatcher(folder: string, onChange: () => void): ReturnType<typeof watch> | undefined {
  try {
    const watcher = watch(folder, onChange);
    watcher.on('error', onChange);
    return watcher;
  } catch {
    return undefined;
  }
}
