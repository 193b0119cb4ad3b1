import t from 'tap';
import {
  API_CLIENT,
  approvalPermission,
  isOwnServingRequest,
  KUBELET_CLIENT,
  KUBELET_SERVING,
  whyNotSignable,
} from '../../src/controller/certificate-rules.ts';
import type { CertificateSigningRequestSpec } from '../../src/api/objects.ts';
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
  t.ok(isOwnServingRequest(spec, own, addresses));
  t.notOk(isOwnServingRequest(spec, { ...own, ipAddresses: ['10.96.0.1'] }, addresses));
  t.notOk(isOwnServingRequest(spec, { ...own, dnsNames: ['kubernetes'] }, addresses));
  t.notOk(isOwnServingRequest({ ...spec, username: 'system:node:w2' }, own, addresses));
  t.notOk(isOwnServingRequest({ ...spec, groups: [] }, own, addresses));
  t.end();
});
