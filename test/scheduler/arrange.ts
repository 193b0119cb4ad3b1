import type { Node, NodeSpec, Pod, PodSpec } from '../../src/api/objects.ts';

/** Objects for scheduler tests: only what a test is about is named by it. */

interface NodeParts {
  readonly labels?: Record<string, string>;
  readonly spec?: NodeSpec;
  readonly allocatable?: Record<string, string>;
  readonly images?: { readonly names: string[]; readonly sizeBytes: number }[];
}

/** A node of 4 cores, 8 GiB and 110 pods, unless set. */
export function node(name: string, { labels = {}, spec = {}, allocatable = {}, images = [] }: NodeParts = {}): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
    spec,
    status: { allocatable: { cpu: '4', memory: '8Gi', pods: '110', ...allocatable }, images },
  };
}

interface PodParts {
  readonly namespace?: string;
  readonly labels?: Record<string, string>;
  readonly requests?: Record<string, string>;
  readonly spec?: Partial<PodSpec>;
  readonly status?: Pod['status'];
  readonly owner?: { readonly kind: string; readonly name: string; readonly uid: string };
}

/** A pod of one container in namespace `ns`, unless set. */
export function pod(name: string, parts: PodParts = {}): Pod {
  const { namespace = 'ns', labels = {}, requests = {}, spec = {}, status, owner } = parts;
  const ownerReferences = owner === undefined ? [] : [{ apiVersion: 'apps/v1', controller: true, ...owner }];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name, uid: `uid-of-${name}`, labels, ownerReferences },
    spec: {
      schedulerName: 'default-scheduler',
      containers: [{ name: 'main', image: 'busybox:1', resources: { requests } }],
      ...spec,
    },
    ...(status === undefined ? {} : { status }),
  };
}
