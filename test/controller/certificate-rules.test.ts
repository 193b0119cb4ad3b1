import t from 'tap';
import {
  API_CLIENT,
  approvalPermission,
  isOwnServingRequest,
  KUBELET_CLIENT,
  KUBELET_SERVING,
  takenNames,
  whyNameIsTaken,
  whyNotSignable,
} from '../../src/controller/certificate-rules.ts';
import type { CertificateSigningRequestSpec, Node } from '../../src/api/objects.ts';
import type { SigningRequest } from '../../src/host/pki.ts';

function request(commonName: string, organizations: string[], rest: Partial<SigningRequest> = {}): SigningRequest {
  return {
    subject: { commonName, organizations },
    dnsNames: [],
    ipAddresses: [],
    emailAddresses: [],
    uris: [],
    ...rest,
  };
}

type Usage = NonNullable<CertificateSigningRequestSpec['usages']>[number];

const NODE = request('system:node:w1', ['system:nodes']);
const CLIENT = ['digital signature', 'client auth'] as const;
const SERVER = ['digital signature', 'server auth'] as const;

// kubernetes.io, "Certificates and Certificate Signing Requests": Kubernetes signers.
void t.test('whyNotSignable() holds each signer to its rules', (t) => {
  const ok: [string, string, readonly string[], SigningRequest][] = [
    ['a kubelet', KUBELET_CLIENT, CLIENT, NODE],
    ['a kubelet with an RSA key', KUBELET_CLIENT, [...CLIENT, 'key encipherment'], NODE],
    ['a kubelet that serves', KUBELET_SERVING, SERVER, { ...NODE, dnsNames: ['w1'] }],
    ['a user', API_CLIENT, ['client auth'], request('ann', ['dev'])],
  ];
  const wrong: [string, string, readonly string[], SigningRequest][] = [
    ['not a node', KUBELET_CLIENT, CLIENT, request('admin', ['system:masters'])],
    [
      'a node that wants more groups',
      KUBELET_CLIENT,
      CLIENT,
      request('system:node:w1', ['system:nodes', 'system:masters']),
    ],
    ['a client with names', KUBELET_CLIENT, CLIENT, { ...NODE, dnsNames: ['kubernetes'] }],
    ['usages of a server', KUBELET_CLIENT, SERVER, NODE],
    ['a server without names', KUBELET_SERVING, SERVER, NODE],
    ['a server with a URI', KUBELET_SERVING, SERVER, { ...NODE, dnsNames: ['w1'], uris: ['spiffe://x'] }],
    ['a user that wants to serve', API_CLIENT, ['client auth', 'server auth'], request('ann', [])],
    ['nobody', 'example.org/x', CLIENT, NODE],
  ];
  const why = (signerName: string, usages: readonly string[], of: SigningRequest): string | undefined =>
    whyNotSignable({ signerName, usages: usages as Usage[] }, of);
  for (const [title, signer, usages, of] of ok) t.equal(why(signer, usages, of), undefined, title);
  for (const [title, signer, usages, of] of wrong) t.type(why(signer, usages, of), 'string', title);
  t.end();
});

void t.test('approvalPermission() tells a renewal from a first request', (t) => {
  const spec = (username: string) => ({ signerName: KUBELET_CLIENT, username });
  t.equal(approvalPermission(spec('system:node:w1'), NODE)?.subresource, 'selfnodeclient');
  t.equal(approvalPermission(spec('system:bootstrap:abcdef'), NODE)?.subresource, 'nodeclient');
  t.equal(approvalPermission({ signerName: API_CLIENT, username: 'ann' }, NODE), undefined);
  t.end();
});

void t.test('isOwnServingRequest() lets a board serve under its own names only', (t) => {
  const addresses = [
    { type: 'InternalIP', address: '10.0.0.1' },
    { type: 'Hostname', address: 'w1' },
  ];
  const spec = { signerName: KUBELET_SERVING, username: 'system:node:w1', groups: ['system:nodes'] };
  const own = { ...NODE, dnsNames: ['w1'], ipAddresses: ['10.0.0.1'] };
  const nobodys = new Set<string>();
  t.ok(isOwnServingRequest(spec, own, addresses, nobodys));
  t.notOk(isOwnServingRequest(spec, { ...own, ipAddresses: ['10.96.0.1'] }, addresses, nobodys));
  t.notOk(isOwnServingRequest(spec, { ...own, dnsNames: ['kubernetes'] }, addresses, nobodys));
  t.notOk(isOwnServingRequest({ ...spec, username: 'system:node:w2' }, own, addresses, nobodys));
  t.notOk(isOwnServingRequest({ ...spec, groups: [] }, own, addresses, nobodys));
  t.end();
});

// A Node writes its own status: what it says of its addresses is no proof.
void t.test(
  'isOwnServingRequest() gives no board the names of another or of the API, though its Node has them',
  (t) => {
    const spec = { signerName: KUBELET_SERVING, username: 'system:node:w1', groups: ['system:nodes'] };
    const taken = new Set(['10.0.0.9', '10.96.0.1', 'c1']);
    const asks = (ip: string, dns: string): boolean => {
      const addresses = [
        { type: 'InternalIP', address: ip },
        { type: 'InternalDNS', address: dns },
      ];
      return isOwnServingRequest(spec, { ...NODE, dnsNames: [dns], ipAddresses: [ip] }, addresses, taken);
    };
    t.ok(asks('10.0.0.1', 'w1.lan'));
    for (const ip of ['10.0.0.9', '10.96.0.1', '127.0.0.1', '::1']) t.notOk(asks(ip, 'w1'), ip);
    for (const dns of ['c1', 'kubernetes', 'kubernetes.default.svc', 'localhost', '*.lan'])
      t.notOk(asks('10.0.0.1', dns), dns);
    t.end();
  },
);

function node(name: string, ready: 'True' | 'Unknown', labels: Record<string, string> = {}): Node {
  const status = {
    conditions: [{ type: 'Ready', status: ready }],
    addresses: [{ type: 'InternalIP', address: `address of ${name}` }],
  };
  return { apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, status };
}
const CONTROL = { 'node-role.kubernetes.io/control-plane': '' };

void t.test('takenNames() has what is of other boards that run, of control boards always, and of the API', (t) => {
  const all = [node('c1', 'Unknown', CONTROL), node('w1', 'True'), node('w2', 'True'), node('w3', 'Unknown')];
  const api = new Set(['10.96.0.1']);
  const others = ['c1', 'c1.local', 'address of c1', 'w2', 'w2.local', 'address of w2'];
  t.same([...takenNames('w1', all, api)].sort(), ['10.96.0.1', ...others].sort());
  t.notOk(takenNames('c1', all, api).has('10.96.0.1'), 'a control board serves the API');
  t.end();
});

void t.test('whyNameIsTaken() gives a token no identity that somebody has', (t) => {
  const api = new Set(['cluster.example']);
  t.equal(whyNameIsTaken('w9', undefined, api, false), undefined, 'a new board');
  t.equal(
    whyNameIsTaken('w1', node('w1', 'Unknown'), api, false),
    undefined,
    'a board that is down may have a new card',
  );
  t.equal(whyNameIsTaken('w1', node('w1', 'True'), api, false), 'a board that runs has the name');
  t.equal(whyNameIsTaken('w1', node('w1', 'True'), api, true), undefined, 'its Node is of before it was switched off');
  t.equal(whyNameIsTaken('c1', node('c1', 'Unknown', CONTROL), api, true), 'a control board has the name');
  for (const name of ['kubernetes', 'kubernetes.default.svc', 'localhost', 'cluster.example'])
    t.equal(whyNameIsTaken(name, undefined, api, true), 'the name is one of the API itself');
  t.end();
});
