import type { Pod, PodAffinityTerm } from '../api/objects.ts';
import { matchesLabels, selectorOf, type Selector } from '../api/selector.ts';
import { podRequests, type Resources } from '../api/pod-requests.ts';

/** A port that a pod takes on its node. */
export interface HostPort {
  readonly address: string;
  readonly protocol: string;
  readonly port: number;
}

/** A pod affinity term, read once. */
export interface AffinityTerm {
  readonly namespaces: ReadonlySet<string>;
  readonly namespaceSelector: Selector | null;
  readonly selector: Selector | null;
  readonly topologyKey: string;
  /** Of a preferred term; 0 for required ones. */
  readonly weight: number;
}

/** A pod with what scheduling asks of it over and over. */
export interface PodInfo {
  readonly pod: Pod;
  /** `namespace/name` */
  readonly key: string;
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly priority: number;
  readonly requests: Resources;
  /** Requests with usual amounts for containers that name none. */
  readonly nonZeroRequests: Resources;
  readonly hostPorts: readonly HostPort[];
  readonly affinity: readonly AffinityTerm[];
  readonly antiAffinity: readonly AffinityTerm[];
  readonly preferredAffinity: readonly AffinityTerm[];
  readonly preferredAntiAffinity: readonly AffinityTerm[];
}

/** Reads a pod once, so that no plugin parses anything. */
export function readPod(pod: Pod): PodInfo {
  const { namespace = '', name = '', uid = '', labels = {} } = pod.metadata ?? {};
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
  const required = (terms: readonly PodAffinityTerm[] | undefined): AffinityTerm[] =>
    (terms ?? []).map((term) => readTerm(term, namespace, 0));
  const preferred = (
    terms: readonly { podAffinityTerm: PodAffinityTerm; weight: number }[] | undefined,
  ): AffinityTerm[] => (terms ?? []).map((term) => readTerm(term.podAffinityTerm, namespace, term.weight));
  return {
    pod,
    key: `${namespace}/${name}`,
    uid,
    namespace,
    name,
    labels,
    priority: pod.spec?.priority ?? 0,
    requests: podRequests(pod),
    nonZeroRequests: podRequests(pod, true),
    hostPorts: hostPortsOf(pod),
    affinity: required(podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    antiAffinity: required(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    preferredAffinity: preferred(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
    preferredAntiAffinity: preferred(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
  };
}

/** The API server has merged matchLabelKeys into the selector already (KEP-3633). */
function readTerm(term: PodAffinityTerm, ownNamespace: string, weight: number): AffinityTerm {
  const { namespaces = [], namespaceSelector, labelSelector, topologyKey } = term;
  const isOwnOnly = namespaces.length === 0 && namespaceSelector === undefined;
  return {
    namespaces: new Set(isOwnOnly ? [ownNamespace] : namespaces),
    namespaceSelector: selectorOf(namespaceSelector),
    selector: selectorOf(labelSelector),
    topologyKey,
    weight,
  };
}

/** Whether a term means this pod. @param namespaceLabels of any namespace; undefined when it is not known */
export function termMatches(
  term: AffinityTerm,
  { namespace, labels }: Pick<PodInfo, 'namespace' | 'labels'>,
  namespaceLabels: (namespace: string) => Readonly<Record<string, string>> | undefined,
): boolean {
  if (term.selector === null || !matchesLabels(term.selector, labels)) return false;
  if (term.namespaces.has(namespace)) return true;
  return term.namespaceSelector !== null && matchesLabels(term.namespaceSelector, namespaceLabels(namespace) ?? {});
}

function hostPortsOf(pod: Pod): HostPort[] {
  const { containers = [], initContainers = [] } = pod.spec ?? {};
  const lasting = [...containers, ...initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always')];
  return lasting.flatMap(({ ports = [] }) =>
    ports
      .filter(({ hostPort = 0 }) => hostPort > 0)
      .map(({ hostPort = 0, hostIP = '', protocol = 'TCP' }) => ({
        address: hostIP === '' ? '0.0.0.0' : hostIP,
        protocol,
        port: hostPort,
      })),
  );
}

/** Whether two pods cannot have these ports on one node: 0.0.0.0 takes the port on every address. */
export function portsConflict(a: HostPort, b: HostPort): boolean {
  if (a.port !== b.port || a.protocol !== b.protocol) return false;
  return a.address === b.address || a.address === '0.0.0.0' || b.address === '0.0.0.0';
}
