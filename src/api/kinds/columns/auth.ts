import type { CertificateSigningRequest, ClusterRoleBinding } from '../../objects.ts';
import type { Column } from '../kind.ts';
import { AGE, column, NAME, wide } from './column.ts';
import { humanDuration } from './human-duration.ts';

function subjects({ subjects: all }: ClusterRoleBinding, wanted: string): string {
  return (all ?? [])
    .filter(({ kind }) => kind === wanted)
    .map(({ name, namespace }) => (wanted === 'ServiceAccount' ? `${namespace ?? ''}/${name}` : name))
    .join(', ');
}

/** Of RoleBindings and ClusterRoleBindings. */
export const BINDING_COLUMNS: readonly Column[] = [
  NAME,
  column<ClusterRoleBinding>('Role', 'The role that it gives.', ({ roleRef }) => `${roleRef.kind}/${roleRef.name}`),
  AGE,
  wide<ClusterRoleBinding>('Users', 'Users who have it.', (binding) => subjects(binding, 'User')),
  wide<ClusterRoleBinding>('Groups', 'Groups who have it.', (binding) => subjects(binding, 'Group')),
  wide<ClusterRoleBinding>('ServiceAccounts', 'Service accounts who have it.', (binding) =>
    subjects(binding, 'ServiceAccount'),
  ),
];

function condition({ status }: CertificateSigningRequest): string {
  const types = new Set((status?.conditions ?? []).map(({ type }) => type));
  const words = [
    ...(types.has('Denied') ? ['Denied'] : types.has('Approved') ? ['Approved'] : ['Pending']),
    ...(types.has('Failed') ? ['Failed'] : []),
    ...(status?.certificate ? ['Issued'] : []),
  ];
  return words.join(',');
}

export const CERTIFICATE_SIGNING_REQUEST_COLUMNS: readonly Column[] = [
  NAME,
  AGE,
  column<CertificateSigningRequest>('SignerName', 'Who shall sign.', ({ spec }) => spec.signerName),
  column<CertificateSigningRequest>('Requestor', 'Who asks.', ({ spec }) => spec.username ?? ''),
  column<CertificateSigningRequest>('RequestedDuration', 'How long the certificate shall be valid.', ({ spec }) =>
    spec.expirationSeconds === undefined ? '<none>' : humanDuration(spec.expirationSeconds * 1000),
  ),
  column<CertificateSigningRequest>('Condition', 'How far the request is.', condition),
];
