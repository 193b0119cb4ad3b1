import { controllerRefOf } from '../../object-facts.ts';
import type {
  ControllerRevision,
  DaemonSet,
  Deployment,
  PodTemplateSpec,
  ReplicaSet,
  StatefulSet,
} from '../../objects.ts';
import { formatSelector, selectorOf } from '../../selector.ts';
import type { Column } from '../kind.ts';
import { AGE, column, formatLabels, NAME, wide } from './column.ts';

interface Workload {
  metadata?: object;
  spec?: { template?: PodTemplateSpec; selector?: Parameters<typeof selectorOf>[0] };
}

const CONTAINERS: readonly Column[] = [
  wide<Workload>('Containers', 'Names of the containers.', ({ spec }) =>
    (spec?.template?.spec?.containers ?? []).map(({ name }) => name).join(','),
  ),
  wide<Workload>('Images', 'Images of the containers.', ({ spec }) =>
    (spec?.template?.spec?.containers ?? []).map(({ image }) => image ?? '').join(','),
  ),
  wide<Workload>('Selector', 'Labels by which it finds its pods.', ({ spec }) => {
    const selector = selectorOf(spec?.selector);
    return selector === null ? '<none>' : formatSelector(selector.toSorted((a, b) => (a.key < b.key ? -1 : 1)));
  }),
];

export const DEPLOYMENT_COLUMNS: readonly Column[] = [
  NAME,
  column<Deployment>(
    'Ready',
    'Ready pods, of those wanted.',
    ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 1}`,
  ),
  column<Deployment>('Up-to-date', 'Pods of the current template.', ({ status }) => status?.updatedReplicas ?? 0),
  column<Deployment>(
    'Available',
    'Pods that have been ready long enough.',
    ({ status }) => status?.availableReplicas ?? 0,
  ),
  AGE,
  ...CONTAINERS,
];

export const REPLICA_SET_COLUMNS: readonly Column[] = [
  NAME,
  column<ReplicaSet>('Desired', 'Pods wanted.', ({ spec }) => spec?.replicas ?? 1, 'integer'),
  column<ReplicaSet>('Current', 'Pods there are.', ({ status }) => status?.replicas ?? 0, 'integer'),
  column<ReplicaSet>('Ready', 'Pods that are ready.', ({ status }) => status?.readyReplicas ?? 0, 'integer'),
  AGE,
  ...CONTAINERS,
];

export const STATEFUL_SET_COLUMNS: readonly Column[] = [
  NAME,
  column<StatefulSet>(
    'Ready',
    'Ready pods, of those wanted.',
    ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 1}`,
  ),
  AGE,
  ...CONTAINERS.slice(0, 2),
];

export const DAEMON_SET_COLUMNS: readonly Column[] = [
  NAME,
  column<DaemonSet>('Desired', 'Nodes wanted.', ({ status }) => status?.desiredNumberScheduled ?? 0, 'integer'),
  column<DaemonSet>('Current', 'Nodes with its pod.', ({ status }) => status?.currentNumberScheduled ?? 0, 'integer'),
  column<DaemonSet>('Ready', 'Pods that are ready.', ({ status }) => status?.numberReady ?? 0, 'integer'),
  column<DaemonSet>(
    'Up-to-date',
    'Pods of its template.',
    ({ status }) => status?.updatedNumberScheduled ?? 0,
    'integer',
  ),
  column<DaemonSet>('Available', 'Pods ready long enough.', ({ status }) => status?.numberAvailable ?? 0, 'integer'),
  column<DaemonSet>('Node Selector', 'Labels of its Nodes.', ({ spec }) =>
    formatLabels(spec?.template?.spec?.nodeSelector),
  ),
  AGE,
  ...CONTAINERS,
];

export const CONTROLLER_REVISION_COLUMNS: readonly Column[] = [
  NAME,
  column<ControllerRevision>('Controller', 'The object that it is a revision of.', (revision) => {
    const owner = controllerRefOf(revision);
    if (owner === undefined) return '<none>';
    const [group, version] = owner.apiVersion.split('/');
    return `${owner.kind.toLowerCase()}${version === undefined ? '' : `.${group}`}/${owner.name}`;
  }),
  column<ControllerRevision>('Revision', 'Its number.', ({ revision }) => revision),
  AGE,
];
