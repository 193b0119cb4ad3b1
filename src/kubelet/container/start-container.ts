import { readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { errorText } from '../../api/error-text.ts';
import type { Container, Pod, Secret } from '../../api/objects.ts';
import type { RuntimeImage } from '../../host/cri/cri.ts';
import type { SandboxConfig } from '../../host/cri/cri-config.ts';
import { containerConfig } from './container-config.ts';
import { containerEnvironment } from './container-environment.ts';
import { containerMounts } from './container-mounts.ts';
import { podLogDir } from '../kubelet-paths.ts';
import { killContainer } from './kill-container.ts';
import type { KubeletDeps } from '../kubelet-deps.ts';
import { runHook } from './lifecycle-hook.ts';
import { podName, podNamespace } from '../pod-identity.ts';
import { latestContainer } from '../runtime/runtime-pod.ts';
import type { RuntimePod } from '../runtime/runtime-pod.ts';
import { serviceEnvironment } from './service-environment.ts';
import { StartError } from './start-error.ts';
import type { MountedVolume } from '../volumes/volume-plugin.ts';

/** What a pod's containers are started with. */
export interface StartFacts {
  readonly pod: Pod;
  readonly runtimePod: RuntimePod;
  readonly sandboxId: string;
  readonly sandbox: SandboxConfig;
  readonly podIps: readonly string[];
  readonly volumes: ReadonlyMap<string, MountedVolume>;
  readonly secrets: readonly Secret[];
}

/** Image and content store damaged by a pulled plug: containerd says so only when it is used. */
const DAMAGED_IMAGE =
  /content digest \S+: not found|unexpected EOF|parent snapshot .* does not exist|failed to read config content/;

/** Pulls, creates and starts a container, and runs its postStart hook (upstream startContainer). @throws StartError */
export async function startContainer(
  deps: KubeletDeps,
  facts: StartFacts,
  container: Container,
  signal: AbortSignal,
): Promise<void> {
  const { pod } = facts;
  const emit = (type: 'Normal' | 'Warning', reason: string, message: string): void =>
    deps.events.emit(pod, { type, reason, message, container: container.name });
  const step = async <T>(reason: string, work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      signal.throwIfAborted();
      const failure =
        error instanceof StartError ? error : new StartError(reason, withoutRpc(errorText(error)), { cause: error });
      emit('Warning', 'Failed', `Error: ${error instanceof StartError ? error.reason : failure.message}`);
      throw failure;
    }
  };
  const pulled = await step('ErrImagePull', deps.puller.ensure(pod, container, facts.secrets, facts.sandbox, signal));
  const config = await step('CreateContainerConfigError', makeConfig(deps, facts, container, pulled, signal));
  const creating = deps.runtime.createContainer(facts.sandboxId, config, facts.sandbox, signal);
  const containerId = await step('CreateContainerError', creating).catch(async (error: unknown) => {
    if (DAMAGED_IMAGE.test(errorText(error))) await deps.images.remove(pulled.ref, signal).catch(() => undefined);
    throw error;
  });
  emit('Normal', 'Created', 'Container created');
  await step('RunContainerError', deps.runtime.startContainer(containerId, signal));
  emit('Normal', 'Started', 'Container started');
  await linkLog(deps, pod, container.name, containerId, config.logPath);
  await postStart(deps, facts, container, containerId, signal);
}

/** What the runtime says of a container that it cannot make or start is shown without gRPC's words around it. */
function withoutRpc(text: string): string {
  return text.replace(/^rpc error: code = \w+ desc = /, '');
}

async function makeConfig(
  deps: KubeletDeps,
  facts: StartFacts,
  container: Container,
  pulled: { readonly ref: string; readonly image: RuntimeImage | undefined },
  signal: AbortSignal,
): Promise<ReturnType<typeof containerConfig>> {
  const { pod, runtimePod, podIps } = facts;
  const environment = await containerEnvironment(pod, container, {
    addresses: { podIps, hostIps: deps.hostIps },
    board: deps.board,
    services: serviceEnvironment(...(await visibleServices(deps, pod, signal))),
    getConfigMap: (namespace, name) => deps.getConfigMap(namespace, name, signal),
    getSecret: (namespace, name) => deps.getSecret(namespace, name, signal),
  });
  const mounts = await containerMounts(pod, container, { paths: deps.paths, volumes: facts.volumes, environment });
  const target = (pod.spec?.ephemeralContainers ?? []).find(({ name }) => name === container.name);
  const targetId = target?.targetContainerName;
  return containerConfig(pod, container, {
    restartCount: await restartCount(deps, pod, runtimePod, container.name),
    imageRef: pulled.ref,
    image: pulled.image,
    environment,
    mounts,
    limits: deps.limits,
    ...(targetId === undefined ? {} : { targetId: latestContainer(runtimePod, targetId)?.id ?? '' }),
  });
}

/** Those of the pod's namespace, if it wants links to them, and `kubernetes` of the default namespace. */
async function visibleServices(
  deps: KubeletDeps,
  pod: Pod,
  signal: AbortSignal,
): Promise<Parameters<typeof serviceEnvironment>> {
  await deps.servicesSynced(signal);
  const master = deps.services('default').find(({ metadata }) => metadata?.name === 'kubernetes');
  return [pod.spec?.enableServiceLinks === false ? [] : deps.services(podNamespace(pod)), master];
}

/** One more than the last container's; where the runtime has forgotten it, than the last log's. */
async function restartCount(deps: KubeletDeps, pod: Pod, runtimePod: RuntimePod, name: string): Promise<number> {
  const latest = latestContainer(runtimePod, name);
  if (latest !== undefined) return latest.attempt + 1;
  const files = await readdir(join(podLogDir(deps.paths, pod), name)).catch(() => []);
  const counts = files.flatMap((file) => /^(\d+)\.log/.exec(file)?.[1] ?? []).map(Number);
  return counts.length === 0 ? 0 : Math.max(...counts) + 1;
}

/** `/var/log/containers/<pod>_<namespace>_<container>-<id>.log`, where log collectors look. */
async function linkLog(deps: KubeletDeps, pod: Pod, name: string, id: string, logPath: string): Promise<void> {
  const link = join(deps.paths.containerLogsDir, `${podName(pod)}_${podNamespace(pod)}_${name}-${id}.log`);
  await symlink(join(podLogDir(deps.paths, pod), logPath), link).catch((error: unknown) =>
    deps.log.debug('a log cannot be linked', { link, error }),
  );
}

async function postStart(
  deps: KubeletDeps,
  facts: StartFacts,
  container: Container,
  containerId: string,
  signal: AbortSignal,
): Promise<void> {
  const handler = container.lifecycle?.postStart;
  if (handler === undefined) return;
  const { pod } = facts;
  const target = { pod, container, containerId, podIp: facts.podIps[0] ?? '' };
  try {
    await runHook(deps, handler, target, signal);
  } catch (error) {
    signal.throwIfAborted();
    // What the hook printed may hold secrets: the Event says only that it failed.
    const event = { type: 'Warning', reason: 'FailedPostStartHook', message: 'PostStartHook failed' } as const;
    deps.events.emit(pod, { ...event, container: container.name });
    await killContainer(deps, { ...target, message: 'FailedPostStartHook' }, signal);
    throw new StartError('PostStartHookError', errorText(error), { cause: error });
  }
}
