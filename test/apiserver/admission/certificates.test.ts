import t from 'tap';
import type { KubeObject } from '../../../src/api/objects.ts';
import type { UserInfo } from '../../../src/apiserver/authentication/authenticator.ts';
import { createKey, createSigningRequest } from '../../../src/host/pki.ts';
import { ADMIN, DecisionServer, messageOf } from '../decision-server.ts';

const REQUESTS = 'certificatesigningrequests.certificates.k8s.io';
const KUBELET_CLIENT = 'kubernetes.io/kube-apiserver-client-kubelet';
const BOB: UserInfo = { name: 'bob', uid: 'u', groups: ['system:authenticated'], extra: {} };

async function asking(name: string, signerName: string, organization: string): Promise<KubeObject> {
  const pem = await createSigningRequest(await createKey(), { commonName: 'x', organizations: [organization] });
  const request = Buffer.from(pem).toString('base64');
  const made = {
    metadata: { name },
    spec: { request, signerName, usages: ['client auth'], username: 'somebody-else', groups: ['system:masters'] },
  };
  return made;
}

function withCondition(stored: KubeObject, type: string): KubeObject {
  return { ...stored, status: { conditions: [{ type, status: 'True', reason: 'x' }] } } as KubeObject;
}

void t.test('a request is its sender, whatever it says', async (t) => {
  const server = await DecisionServer.start();
  const stored = await server.create(REQUESTS, await asking('a', KUBELET_CLIENT, 'system:nodes'), BOB);
  t.match(stored, { spec: { username: 'bob', uid: 'u', groups: ['system:authenticated'] }, status: {} });
});

void t.test('only who may approve for a signer approves, and once', async (t) => {
  const server = await DecisionServer.start();
  const stored = await server.create(REQUESTS, await asking('a', KUBELET_CLIENT, 'system:nodes'), BOB);
  t.equal(
    await messageOf(server.update(REQUESTS, withCondition(stored, 'Approved'), BOB, 'approval')),
    `403 certificatesigningrequests.certificates.k8s.io "a" is forbidden: user not permitted to approve requests with signerName "${KUBELET_CLIENT}"`,
  );
  const approved = await server.update(REQUESTS, withCondition(stored, 'Approved'), ADMIN, 'approval');
  t.match(approved, { status: { conditions: [{ type: 'Approved', lastUpdateTime: /^20/ }] } });
  t.match(
    await messageOf(server.update(REQUESTS, withCondition(approved, 'Denied'), ADMIN, 'approval')),
    /^422 .*updates may not remove a condition of type "Approved"/,
  );
  t.match(
    await messageOf(
      server.update(REQUESTS, { ...approved, status: { certificate: 'eA==' } } as KubeObject, BOB, 'status'),
    ),
    /user not permitted to sign requests/,
  );
  const signed = await server.update(
    REQUESTS,
    { ...approved, status: { certificate: 'eA==' } } as KubeObject,
    ADMIN,
    'status',
  );
  t.match(signed, { status: { certificate: 'eA==', conditions: [{ type: 'Approved' }] } }, 'the approval stays');
});

void t.test('nobody is given a certificate of system:masters', async (t) => {
  const server = await DecisionServer.start();
  const request = await asking('a', 'kubernetes.io/kube-apiserver-client', 'system:masters');
  t.match(await messageOf(server.create(REQUESTS, request, BOB)), /signer with system:masters group is not allowed/);
});

void t.test('the controller manager approves and signs the certificates of nodes, and those only', async (t) => {
  const server = await DecisionServer.start();
  const manager: UserInfo = {
    name: 'system:kube-controller-manager',
    uid: '',
    groups: ['system:authenticated'],
    extra: {},
  };
  for (const signerName of [KUBELET_CLIENT, 'kubernetes.io/kubelet-serving']) {
    const name = signerName.replace('/', '-');
    const stored = await server.create(REQUESTS, await asking(name, signerName, 'system:nodes'), BOB);
    const approved = await server.update(REQUESTS, withCondition(stored, 'Approved'), manager, 'approval');
    const signed = await server.update(
      REQUESTS,
      { ...approved, status: { certificate: 'eA==' } } as KubeObject,
      manager,
      'status',
    );
    t.match(signed, { status: { certificate: 'eA==' } }, signerName);
  }
  const other = await server.create(REQUESTS, await asking('other', 'example.com/other', 'x'), BOB);
  t.match(
    await messageOf(server.update(REQUESTS, withCondition(other, 'Approved'), manager, 'approval')),
    /^403 .*user not permitted to approve requests with signerName "example.com\/other"/,
  );
});
