import t from 'tap';
import { applyDefaults } from '../../../src/api/defaults/apply-defaults.ts';
import type { KubeObject, Pod } from '../../../src/api/objects.ts';

function defaulted(kind: string, object: object): KubeObject {
  const copy = structuredClone(object) as KubeObject;
  applyDefaults(kind, copy);
  const once = structuredClone(copy);
  applyDefaults(kind, copy);
  if (JSON.stringify(once) !== JSON.stringify(copy))
    throw new Error(`${kind}: defaulting twice is not defaulting once`);
  return copy;
}

void t.test('applyDefaults() pulls an image that may have changed, and only that', (t) => {
  const table: readonly (readonly [string, string])[] = [
    ['busybox', 'Always'],
    ['busybox:latest', 'Always'],
    ['busybox:1', 'IfNotPresent'],
    ['localhost:5000/busybox', 'Always'],
    ['localhost:5000/busybox:1', 'IfNotPresent'],
    ['busybox@sha256:00', 'IfNotPresent'],
  ];
  for (const [image, policy] of table) {
    const pod = defaulted('Pod', { spec: { containers: [{ name: 'c', image }] } }) as Pod;
    t.equal(pod.spec?.containers[0]?.imagePullPolicy, policy, image);
  }
  t.end();
});

void t.test('applyDefaults() takes requests from limits, in canonical form, in pods but not in templates', (t) => {
  const spec = {
    containers: [
      { name: 'c', image: 'i', resources: { limits: { cpu: '1000m', memory: '1024Mi' }, requests: { cpu: '0.5' } } },
    ],
  };
  t.match(defaulted('Pod', { spec }), {
    spec: {
      containers: [{ resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m', memory: '1Gi' } } }],
    },
  });
  t.match(defaulted('Deployment.apps', { spec: { template: { spec } } }), {
    spec: { template: { spec: { containers: [{ resources: { requests: { cpu: '500m', memory: undefined } } }] } } },
  });
  t.end();
});

void t.test('applyDefaults() makes host ports of container ports on the host network', (t) => {
  const containers = [{ name: 'c', image: 'i', ports: [{ containerPort: 80 }] }];
  t.match(defaulted('Pod', { spec: { hostNetwork: true, containers } }), {
    spec: { containers: [{ ports: [{ hostPort: 80, protocol: 'TCP' }] }] },
  });
  t.end();
});

void t.test('applyDefaults() of other kinds', (t) => {
  t.match(defaulted('Namespace', { metadata: { name: 'a' } }), {
    metadata: { labels: { 'kubernetes.io/metadata.name': 'a' } },
  });
  t.same(defaulted('Secret', { stringData: { a: 'b' }, data: { c: 'ZA==' } }), {
    type: 'Opaque',
    data: { c: 'ZA==', a: 'Yg==' },
  });
  t.match(defaulted('Service', { spec: { sessionAffinity: 'ClientIP', ports: [{ port: 80 }] } }), {
    spec: {
      type: 'ClusterIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } },
      ports: [{ port: 80, targetPort: 80, protocol: 'TCP' }],
      internalTrafficPolicy: 'Cluster',
    },
  });
  t.match(
    defaulted('RoleBinding.rbac.authorization.k8s.io', {
      roleRef: { kind: 'Role', name: 'a' },
      subjects: [
        { kind: 'User', name: 'u' },
        { kind: 'ServiceAccount', name: 's' },
      ],
    }),
    {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io' }, { apiGroup: undefined }],
    },
  );
  t.match(defaulted('Node', { spec: { podCIDR: '10.244.1.0/24' }, status: { capacity: { cpu: '4000m' } } }), {
    spec: { podCIDRs: ['10.244.1.0/24'] },
    status: { capacity: { cpu: '4' }, allocatable: { cpu: '4' } },
  });
  t.end();
});

// kube-controller-manager takes these fields to be there, and would end without them.
void t.test('applyDefaults() of the kinds that only upstream’s controllers act on', (t) => {
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c' }] } };
  const claim = { spec: { accessModes: ['ReadWriteOnce'] } };
  t.match(defaulted('StatefulSet.apps', { spec: { template, volumeClaimTemplates: [claim] } }), {
    spec: {
      replicas: 1,
      podManagementPolicy: 'OrderedReady',
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
      revisionHistoryLimit: 10,
      template: { spec: { restartPolicy: 'Always' } },
      volumeClaimTemplates: [{ spec: { volumeMode: 'Filesystem' }, status: { phase: 'Pending' } }],
    },
  });
  t.match(defaulted('DaemonSet.apps', { spec: { template } }), {
    spec: {
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
      revisionHistoryLimit: 10,
    },
  });
  t.match(defaulted('DaemonSet.apps', { spec: { updateStrategy: { type: 'OnDelete' } } }), {
    spec: { updateStrategy: { rollingUpdate: undefined } },
  });
  t.match(defaulted('ReplicationController', { metadata: {}, spec: { template } }), {
    metadata: { labels: { a: 'b' } },
    spec: { replicas: 1, selector: { a: 'b' } },
  });
  t.match(defaulted('PersistentVolume', { spec: {} }), {
    spec: { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' },
    status: { phase: 'Pending' },
  });
  t.match(defaulted('StorageClass.storage.k8s.io', { provisioner: 'x' }), {
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'Immediate',
  });
  t.match(defaulted('CSIDriver.storage.k8s.io', { spec: {} }), {
    spec: { attachRequired: true, podInfoOnMount: false, fsGroupPolicy: 'ReadWriteOnceWithFSType' },
  });
  t.end();
});
