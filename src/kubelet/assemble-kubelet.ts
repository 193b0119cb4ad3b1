import type { ObjectReference, Pod } from '../api/objects.ts';
import { isPodTerminal } from '../api/pod-facts.ts';
import type { EventRecorder } from '../client/event-recorder.ts';
import { createInformer } from '../client/informer.ts';
import { pods, serviceAccountTokens, services } from '../client/resources.ts';
import type { Runnable } from '../host/run-together.ts';
import type { Board } from '../host/board.ts';
import type { EvictionManager } from './eviction/eviction-manager.ts';
import { makeEviction, makeImageGarbage } from './eviction/make-eviction.ts';
import { fieldValue, resourceValue } from './container/downward-value.ts';
import type { BoardResources } from './container/downward-value.ts';
import { GoBackoff } from './go-backoff.ts';
import { ImagePuller } from './image/image-puller.ts';
import { Kubelet } from './kubelet.ts';
import type { KubeletDeps } from './kubelet-deps.ts';
import type { CompleteKubeletOptions } from './kubelet-options.ts';
import type { KubeletParts } from './kubelet-parts.ts';
import { ProbeCounts } from './probes/probe-counts.ts';
import type { ProbeHost, ProbeRunner } from './probes/prober.ts';
import { readHostDns } from './sandbox/host-dns.ts';
import { nodeFactsReader } from './node/node-facts.ts';
import type { RuntimeVersion } from '../host/cri/cri.ts';
import { allocatable } from './node/node-object.ts';
import type { NodeEvent } from './node/node-events.ts';
import { NodeReporter } from './node/node-reporter.ts';
import { ObjectCache } from './object-cache.ts';
import { refusal, resizeRefusal } from './pod-admission.ts';
import { PodCgroups } from './sandbox/pod-cgroups.ts';
import { podEventSink } from './pod-event-sink.ts';
import { allContainers, podUid } from './pod-identity.ts';
import { ProbeResultStore } from './probes/probe-result-store.ts';
import type { RuntimeMetrics } from './runtime-metrics.ts';
import { RuntimeHealth } from './node/runtime-health.ts';
import { sysctlRefusal } from './sysctl-admission.ts';
import type { DownwardItem } from './volumes/volume-plugin.ts';

/** A container that ended is held back for 10 s, doubling to 5 min; ten minutes of quiet forget it. */
const CRASH_BACKOFF_INITIAL_MS = 10_000;
const CRASH_BACKOFF_MAX_MS = 300_000;
const CGROUP_MOUNT = '/sys/fs/cgroup';

/** What is known before the core is put together. */
export interface KubeletContext {
  readonly parts: KubeletParts;
  readonly options: CompleteKubeletOptions;
  readonly board: Board;
  readonly version: RuntimeVersion;
  readonly recorder: EventRecorder;
  /** Of the runtime among the parts. */
  readonly metrics: RuntimeMetrics;
}

/** The core and what runs beside it. */
export interface AssembledKubelet {
  readonly kubelet: Kubelet;
  readonly deps: KubeletDeps;
  readonly reporter: NodeReporter;
  /** To be run together with the kubelet. */
  readonly others: readonly Runnable[];
}

/** Puts the core together: who needs whom. Nothing runs yet. */
export function assembleKubelet(context: KubeletContext): AssembledKubelet {
  const { parts, options, board, version, recorder } = context;
  const { clock, log, runtime } = parts;
  const { client, nodeName } = options;
  const ownServices = parts.services === undefined ? [createInformer(client, services, { clock, log })] : [];
  const serviceInformer = parts.services ?? ownServices[0];
  const fieldSelector = `spec.nodeName=${nodeName}`;
  const podInformer = createInformer(client, pods, { fieldSelector, clock, log });
  const health: RuntimeHealth = new RuntimeHealth({ runtime, clock, log, onChange: () => reporter.poke() });
  const emit = ({ type, reason, message }: NodeEvent): void =>
    recorder.record(aboutNode(nodeName), type, reason, message);
  const problems = (): readonly string[] => {
    const own = kubelet.problem();
    return own === undefined ? health.problems() : [...health.problems(), own];
  };
  const reporter: NodeReporter = new NodeReporter({
    client,
    nodeName,
    clock,
    log,
    labels: options.labels,
    taints: options.taints,
    facts: nodeFactsReader({ parts, options, board, version, problems, pressures: () => eviction.pressures }),
    emit,
    checkMs: options.statusCheckMs,
    reportMs: options.statusReportMs,
  });
  const imageGarbage = makeImageGarbage(parts, emit);
  const eviction = makeEviction(context, {
    kubelet: () => kubelet,
    podsMemory: async () => deps.cgroups.podsMemory(),
    imageGarbage,
    emit,
    onChange: () => reporter.poke(),
  });
  const deps: KubeletDeps = makeDeps(context, {
    health,
    refusal: (pod) => eviction.refusal(pod),
    evictions: () => eviction.evictions,
    node: () => reporter.node,
    pods: () => kubelet.pods(),
    podByUid: (uid) => kubelet.podByUid(uid),
    services: (namespace) => serviceInformer?.lister.list(namespace) ?? [],
    servicesSynced: async (signal) => serviceInformer?.synced(signal),
  });
  const { staticPodDir } = options;
  const kubelet: Kubelet = new Kubelet({ deps, client, nodeName, pods: podInformer, staticPodDir });
  const { volumes, probes } = deps;
  // A file system that nobody watches is not the board's alone: others fill it, and images would go for nothing.
  const tidying = options.evictionHard['imagefs.available'] === undefined ? [] : [imageGarbage];
  const others = [...ownServices, health, reporter, ...tidying, eviction, volumes, probes];
  return { kubelet, deps, reporter, others };
}

/** Events name the Node by its name for uid too: the object may not be there yet (upstream kubelet.go, nodeRef). */
function aboutNode(name: string): ObjectReference {
  return { apiVersion: 'v1', kind: 'Node', name, uid: name };
}

/** What the dependencies ask back from what is put together after them. */
interface Later extends Pick<KubeletDeps, 'node' | 'services' | 'servicesSynced' | 'evictions'> {
  readonly health: RuntimeHealth;
  readonly pods: () => readonly Pod[];
  readonly podByUid: (uid: string) => Pod | undefined;
  /** Why a board that is short of something takes no such pod. */
  readonly refusal: EvictionManager['refusal'];
}

function makeDeps(context: KubeletContext, later: Later): KubeletDeps {
  const { parts, options, board, version, recorder, metrics } = context;
  const { clock, log, runtime, images } = parts;
  const { client, nodeName, rootDir, podLogsDir, containerLogsDir } = options;
  const forPods = allocatable(board, options.reserved, options.evictionHard);
  const boardResources = { ...forPods, ephemeralStorageBytes: forPods.storageBytes };
  const events = podEventSink(recorder);
  const cache = new ObjectCache(client, clock);
  const probeResults = new ProbeResultStore();
  const probeCounts = new ProbeCounts();
  const getConfigMap = cache.getConfigMap.bind(cache);
  const getSecret = cache.getSecret.bind(cache);
  const volumes = parts.createVolumes({
    rootDir,
    nodeName,
    client,
    clock,
    log: log.part('volumes'),
    getConfigMap,
    getSecret,
    createToken: async (namespace, serviceAccount, request, signal) => {
      const named = { ...request, metadata: { ...request.metadata, name: serviceAccount, namespace } };
      return client.create(serviceAccountTokens, named, { subresource: 'token', signal });
    },
    pods: later.pods,
    downwardValue: (pod, item) => downwardValue(pod, item, boardResources, options.nodeIps),
  });
  return {
    runtime,
    images,
    runtimeName: version.name,
    clock,
    log,
    events,
    paths: { rootDir, podLogsDir, containerLogsDir },
    puller: new ImagePuller({ images, clock, events }),
    crashBackoff: new GoBackoff(clock, CRASH_BACKOFF_INITIAL_MS, CRASH_BACKOFF_MAX_MS),
    volumes,
    probes: makeProbes(parts, {
      events,
      results: probeResults,
      counts: probeCounts,
      podStatus: (uid) => later.podByUid(uid)?.status,
    }),
    probeResults,
    probeCounts,
    evictions: later.evictions,
    runtimeMetrics: async () => metrics.registry.metrics(),
    cgroups: makeCgroups(parts, options, board),
    httpHook: parts.httpHook,
    limits: {
      memoryCapacityBytes: board.memoryBytes,
      cgroupVersion: board.cgroupVersion,
      hasSwapLimit: board.hasSwapLimit,
    },
    clusterDomain: options.clusterDomain,
    board: boardResources,
    hostIps: options.nodeIps,
    dns: async () => ({
      clusterDns: options.clusterDns,
      clusterDomain: options.clusterDomain,
      host: await readHostDns(options.resolvConf),
    }),
    runtimeHandler: options.runtimeHandler,
    getConfigMap,
    getSecret,
    services: later.services,
    servicesSynced: later.servicesSynced,
    networkError: () => later.health.networkError(),
    node: later.node,
    refuseResize: (pod) => {
      const others = later.pods().filter((one) => podUid(one) !== podUid(pod) && !isPodTerminal(one));
      return resizeRefusal(pod, others, { ...boardResources, pods: options.podsMax, labels: undefined });
    },
    admit: (pod, others) => {
      const labels = later.node()?.metadata?.labels;
      return (
        later.refusal(pod) ??
        sysctlRefusal(pod, options.allowedUnsafeSysctls) ??
        refusal(pod, others, { ...boardResources, pods: options.podsMax, labels })
      );
    },
  };
}

function makeProbes(parts: KubeletParts, host: Omit<ProbeHost, 'clock' | 'execSync'>): ProbeRunner {
  const { clock, runtime } = parts;
  return parts.createProbes({
    ...host,
    clock,
    execSync: async (containerId, command, timeoutMs, signal) => {
      const { exitCode, stdout, stderr } = await runtime.execSync(containerId, command, timeoutMs, signal);
      return { exitCode, output: Buffer.concat([stdout, stderr]).toString('utf8') };
    },
  });
}

function makeCgroups({ log }: KubeletParts, options: CompleteKubeletOptions, board: Board): PodCgroups {
  // Eviction keeps pods its threshold away from this limit: taken off here too, it would be kept twice.
  const { cpuMilli, memoryBytes } = allocatable(board, options.reserved, {});
  return new PodCgroups({
    version: board.cgroupVersion,
    driver: options.cgroupDriver,
    root: options.cgroupRoot,
    mount: CGROUP_MOUNT,
    allocatableBytes: memoryBytes,
    allocatableCpuMilli: cpuMilli,
    log,
  });
}

function downwardValue(pod: Pod, item: DownwardItem, board: BoardResources, nodeIps: readonly string[]): string {
  const { fieldRef, resourceFieldRef } = item;
  if (fieldRef !== undefined) {
    const podIps = (pod.status?.podIPs ?? []).map(({ ip }) => ip ?? '');
    return fieldValue(pod, fieldRef.fieldPath, { podIps, hostIps: nodeIps });
  }
  const container = allContainers(pod).find(({ name }) => name === resourceFieldRef?.containerName);
  if (resourceFieldRef === undefined || container === undefined) return '';
  return resourceValue(container, resourceFieldRef.resource, resourceFieldRef.divisor ?? '0', board);
}
