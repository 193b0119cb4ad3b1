/**
 * How lists of the built-in kinds are merged: no npm package carries this, so it is a table of ours, after the struct
 * tags (`patchStrategy`, `patchMergeKey`, `listType`, `listMapKey`) that the API reference prints for each field.
 */
export interface ListMerge {
  /** The field that tells items apart in a strategic merge patch; absent for sets of plain values. */
  readonly patchMergeKey?: string;
  readonly patchStrategy?: 'merge' | 'merge,retainKeys' | 'retainKeys' | 'replace';
  readonly listType?: 'map' | 'set' | 'atomic';
  readonly listMapKeys?: readonly string[];
}

function map(key: string, listMapKeys: readonly string[] = [key]): ListMerge {
  return { patchMergeKey: key, patchStrategy: 'merge', listType: 'map', listMapKeys };
}

function mapOnly(...listMapKeys: readonly string[]): ListMerge {
  return { listType: 'map', listMapKeys };
}

const MERGE_SET: ListMerge = { patchStrategy: 'merge', listType: 'set' };
const ATOMIC: ListMerge = { listType: 'atomic' };
const CONDITIONS: Record<string, ListMerge> = { conditions: map('type') };

const CONTAINER: Record<string, ListMerge> = {
  args: ATOMIC,
  command: ATOMIC,
  env: map('name'),
  envFrom: ATOMIC,
  ports: map('containerPort', ['containerPort', 'protocol']),
  resizePolicy: ATOMIC,
  volumeDevices: map('devicePath'),
  volumeMounts: map('mountPath'),
};

/** Definition name, then field name. */
export const MERGE_KEYS: Readonly<Record<string, Readonly<Record<string, ListMerge>>>> = {
  'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta': {
    finalizers: MERGE_SET,
    managedFields: ATOMIC,
    ownerReferences: map('uid'),
  },
  'io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector': { matchExpressions: ATOMIC },
  'io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelectorRequirement': { values: ATOMIC },
  'io.k8s.api.core.v1.Container': CONTAINER,
  'io.k8s.api.core.v1.EphemeralContainer': CONTAINER,
  'io.k8s.api.core.v1.PodSpec': {
    containers: map('name'),
    ephemeralContainers: map('name'),
    hostAliases: map('ip'),
    imagePullSecrets: map('name'),
    initContainers: map('name'),
    readinessGates: ATOMIC,
    resourceClaims: { ...map('name'), patchStrategy: 'merge,retainKeys' },
    schedulingGates: map('name'),
    tolerations: ATOMIC,
    topologySpreadConstraints: map('topologyKey', ['topologyKey', 'whenUnsatisfiable']),
    volumes: { ...map('name'), patchStrategy: 'merge,retainKeys' },
  },
  'io.k8s.api.core.v1.PodStatus': {
    ...CONDITIONS,
    containerStatuses: ATOMIC,
    hostIPs: { patchMergeKey: 'ip', patchStrategy: 'merge', listType: 'atomic' },
    podIPs: map('ip'),
    resourceClaimStatuses: { ...map('name'), patchStrategy: 'merge,retainKeys' },
  },
  'io.k8s.api.core.v1.ResourceRequirements': { claims: mapOnly('name') },
  'io.k8s.api.core.v1.NodeSpec': { podCIDRs: MERGE_SET, taints: ATOMIC },
  'io.k8s.api.core.v1.NodeStatus': { ...CONDITIONS, addresses: map('type'), images: ATOMIC },
  'io.k8s.api.core.v1.NamespaceStatus': CONDITIONS,
  'io.k8s.api.core.v1.ServiceSpec': {
    clusterIPs: ATOMIC,
    externalIPs: ATOMIC,
    ipFamilies: ATOMIC,
    loadBalancerSourceRanges: ATOMIC,
    ports: map('port', ['port', 'protocol']),
  },
  'io.k8s.api.core.v1.ServiceStatus': CONDITIONS,
  'io.k8s.api.core.v1.ServiceAccount': { imagePullSecrets: ATOMIC, secrets: map('name') },
  'io.k8s.api.core.v1.PersistentVolumeClaimStatus': CONDITIONS,
  'io.k8s.api.core.v1.TopologySpreadConstraint': { matchLabelKeys: ATOMIC },
  'io.k8s.api.apps.v1.DaemonSetStatus': CONDITIONS,
  'io.k8s.api.apps.v1.DeploymentSpec': { strategy: { patchStrategy: 'retainKeys' } },
  'io.k8s.api.apps.v1.DeploymentStatus': CONDITIONS,
  'io.k8s.api.apps.v1.ReplicaSetStatus': CONDITIONS,
  'io.k8s.api.apps.v1.StatefulSetStatus': CONDITIONS,
  'io.k8s.api.certificates.v1.CertificateSigningRequestSpec': { groups: ATOMIC, usages: ATOMIC },
  'io.k8s.api.certificates.v1.CertificateSigningRequestStatus': { conditions: mapOnly('type') },
  'io.k8s.api.discovery.v1.EndpointSlice': { endpoints: ATOMIC, ports: ATOMIC },
  'io.k8s.api.discovery.v1.Endpoint': { addresses: { listType: 'set' } },
  'io.k8s.api.rbac.v1.ClusterRole': { rules: ATOMIC },
  'io.k8s.api.rbac.v1.Role': { rules: ATOMIC },
};
