import type { X509Certificate } from 'node:crypto';
import { StatusError } from '../../api/status.ts';
import type { Authenticator, UserInfo } from './authenticator.ts';

/** The user is the common name, the groups are the organizations (apiserver authentication/request/x509). */
export function x509Authenticator(): Authenticator {
  const known = new WeakMap<X509Certificate, UserInfo>();
  return {
    authenticate({ peerCertificate, isPeerVerified }) {
      if (peerCertificate === undefined) return Promise.resolve(null);
      if (!isPeerVerified)
        return Promise.reject(new StatusError('Unauthorized', 'x509: certificate signed by unknown authority'));
      const user = known.get(peerCertificate) ?? userOf(peerCertificate);
      if (user === null) return Promise.resolve(null);
      known.set(peerCertificate, user);
      return Promise.resolve(user);
    },
  };
}

/** The identity in a certificate, or null when it has no common name. */
export function userOf(certificate: X509Certificate): UserInfo | null {
  // The legacy object is made from the parsed name, so that no character in a value can pass for a new field.
  const { CN: name, O: organizations } = certificate.toLegacyObject().subject as unknown as Record<
    'CN' | 'O',
    string | readonly string[] | undefined
  >;
  const commonName = typeof name === 'string' ? name : name?.at(-1);
  if (commonName === undefined || commonName === '') return null;
  const groups = organizations === undefined ? [] : typeof organizations === 'string' ? [organizations] : organizations;
  const fingerprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
  return {
    name: commonName,
    uid: '',
    groups,
    extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${fingerprint}`] },
  };
}
