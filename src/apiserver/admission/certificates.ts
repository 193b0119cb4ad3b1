import { errorText } from '../../api/error-text.ts';
import type { CertificateSigningRequest } from '../../api/objects.ts';
import { forbidden } from '../../api/status.ts';
import { sameJson } from '../../api/validation/object-meta.ts';
import { readSigningRequest } from '../../host/pki.ts';
import type { Authorizer } from '../authorization/authorizer.ts';
import type { AdmissionAttributes, AdmissionPlugin } from './admission.ts';

const GROUP = 'certificates.k8s.io';
const RESOURCE = 'certificatesigningrequests.certificates.k8s.io';
const CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client';

function isRequest(group: string, plural: string): boolean {
  return group === GROUP && plural === 'certificatesigningrequests';
}

/** Only who may `approve` for a signer approves or denies its requests (plugin/pkg/admission/certificates/approval). */
export function certificateApproval(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: 'CertificateApproval',
    handles: (operation, { group, plural }, subresource) =>
      operation === 'UPDATE' && subresource === 'approval' && isRequest(group, plural),
    async validate(attributes, signal) {
      const { spec } = attributes.oldObject as unknown as CertificateSigningRequest;
      if (await maySign('approve', spec.signerName, authorizer, attributes, signal)) return;
      throw forbidden(
        RESOURCE,
        attributes.name,
        `user not permitted to approve requests with signerName "${spec.signerName}"`,
      );
    },
  };
}

/** Only who may `sign` for a signer issues its certificates (plugin/pkg/admission/certificates/signing). */
export function certificateSigning(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: 'CertificateSigning',
    handles: (operation, { group, plural }, subresource) =>
      operation === 'UPDATE' && subresource === 'status' && isRequest(group, plural),
    async validate(attributes, signal) {
      const now = attributes.object as unknown as CertificateSigningRequest;
      const old = attributes.oldObject as unknown as CertificateSigningRequest;
      const isSame =
        now.status?.certificate === old.status?.certificate && sameJson(now.status?.conditions, old.status?.conditions);
      if (isSame || (await maySign('sign', old.spec.signerName, authorizer, attributes, signal))) return;
      throw forbidden(
        RESOURCE,
        attributes.name,
        `user not permitted to sign requests with signerName "${old.spec.signerName}"`,
      );
    },
  };
}

/** Nobody gets a certificate of the group that may do everything (plugin/pkg/admission/certificates/subjectrestriction). */
export const certificateSubjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  handles: (operation, { group, plural }, subresource) =>
    operation === 'CREATE' && subresource === '' && isRequest(group, plural),
  async validate({ object, name }) {
    const { spec } = object as unknown as CertificateSigningRequest;
    if (spec.signerName !== CLIENT_SIGNER) return;
    const pem = Buffer.from(spec.request, 'base64').toString('latin1');
    const request = await readSigningRequest(pem).catch((error: unknown) => {
      throw forbidden(RESOURCE, name, `failed to parse CSR: ${errorText(error)}`);
    });
    if (request.subject.organizations?.includes('system:masters') === true)
      throw forbidden(RESOURCE, name, `use of ${CLIENT_SIGNER} signer with system:masters group is not allowed`);
  },
};

/** A signer's name stands for itself and, as `domain/*`, for all of its domain. */
async function maySign(
  verb: string,
  signerName: string,
  authorizer: Authorizer,
  { user }: AdmissionAttributes,
  signal: AbortSignal,
): Promise<boolean> {
  for (const name of [signerName, `${signerName.split('/')[0]}/*`]) {
    const { result } = await authorizer.authorize(
      {
        user,
        verb,
        isResourceRequest: true,
        group: GROUP,
        version: '*',
        resource: 'signers',
        subresource: '',
        name,
        namespace: '',
        path: '',
      },
      signal,
    );
    if (result === 'allow') return true;
  }
  return false;
}
