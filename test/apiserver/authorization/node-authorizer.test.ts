import t from 'tap';
import type { Pod } from '../../../src/api/objects.ts';
import { parseFieldSelector } from '../../../src/api/selector.ts';
import type { AuthorizationAttributes } from '../../../src/apiserver/authorization/authorizer.ts';
import { nodeAuthorizer } from '../../../src/apiserver/authorization/node-authorizer.ts';
import { NodeGraph } from '../../../src/apiserver/authorization/node-graph.ts';

const signal = new AbortController().signal;
const POD = {
  metadata: { namespace: 'a', name: 'web', uid: 'u1' },
  spec: {
    nodeName: 'w1',
    serviceAccountName: 'robot',
    containers: [{ name: 'c', envFrom: [{ secretRef: { name: 'env' } }] }],
    volumes: [{ name: 'v', configMap: { name: 'files' } }],
  },
} as Pod;

const GROUPS: Readonly<Record<string, string>> = {
  leases: 'coordination.k8s.io',
  csinodes: 'storage.k8s.io',
  volumeattachments: 'storage.k8s.io',
};

function ask(text: string, selector = ''): AuthorizationAttributes {
  // `verb resource[/subresource] namespace/name`
  const [verb = '', what = '', where = '/'] = text.split(' ');
  const [resource = '', subresource = ''] = what.split('/');
  const [namespace = '', name = ''] = where.split('/');
  return {
    user: { name: 'system:node:w1', uid: '', groups: ['system:nodes'], extra: {} },
    isResourceRequest: true,
    version: 'v1',
    path: '',
    group: GROUPS[resource] ?? '',
    verb,
    resource,
    subresource,
    namespace,
    name,
    ...(selector === '' ? {} : { fieldSelector: parseFieldSelector(selector) }),
  };
}

void t.test('nodeAuthorizer() lets a node see what its pods name, and nothing else', async (t) => {
  const graph = new NodeGraph();
  graph.onReplace([POD]);
  const authorizer = nodeAuthorizer(graph, () => Promise.resolve());
  const table: readonly (readonly [string, boolean, string?])[] = [
    ['get secrets a/env', true],
    ['get secrets a/other', false],
    ['list secrets a/', false],
    ['watch configmaps a/', true, 'metadata.name=files'],
    ['update secrets a/env', false],
    ['create serviceaccounts/token a/robot', true],
    ['create serviceaccounts/token a/other', false],
    ['get pods a/web', true],
    ['get pods a/other', false],
    ['list pods /', false],
    ['list pods /', true, 'spec.nodeName=w1'],
    ['watch pods /', false, 'spec.nodeName=w2'],
    ['patch pods/status a/web', true],
    ['get nodes /w1', true],
    ['get nodes /w2', false],
    ['update nodes/status /w2', false],
    ['update leases kube-node-lease/w1', true],
    ['create csinodes /', true],
    ['patch csinodes /w1', true],
    ['patch csinodes /w2', false],
    ['list csinodes /', false],
    ['list volumeattachments /', false],
    ['update leases kube-node-lease/w2', false],
    ['update leases kube-system/w1', false],
  ];
  for (const [text, allowed, selector] of table) {
    const { result } = await authorizer.authorize(ask(text, selector), signal);
    t.equal(result, allowed ? 'allow' : 'no-opinion', `${text} ${selector ?? ''}`);
  }
});

void t.test('NodeGraph forgets what a pod named when the pod is gone', (t) => {
  const graph = new NodeGraph();
  graph.onUpsert(POD);
  graph.onUpsert({ ...POD, metadata: { ...POD.metadata, name: 'web2' } });
  graph.onDelete(POD);
  t.ok(graph.refers('w1', 'secrets', 'a', 'env'), 'the second pod still needs it');
  graph.onDelete({ metadata: { namespace: 'a', name: 'web2' } } as Pod);
  t.notOk(graph.refers('w1', 'secrets', 'a', 'env'));
  t.end();
});

void t.test('nodeAuthorizer() waits for what it has not heard yet before it says no', async (t) => {
  const graph = new NodeGraph();
  const authorizer = nodeAuthorizer(graph, () => Promise.resolve(graph.onUpsert(POD)));
  t.equal((await authorizer.authorize(ask('get secrets a/env'), signal)).result, 'allow');
});
