import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../objects.ts';
import type { Column } from '../kind.ts';
import { AGE, column, NAME } from './column.ts';

const SHORT_MODES: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};

function modes(names: readonly string[] | undefined): string {
  return [...new Set((names ?? []).map((name) => SHORT_MODES[name] ?? name))].join(',');
}

export const PERSISTENT_VOLUME_COLUMNS: readonly Column[] = [
  NAME,
  column<PersistentVolume>('Capacity', 'Its size.', ({ spec }) => String(spec?.capacity?.['storage'] ?? '')),
  column<PersistentVolume>('Access Modes', 'How it may be mounted.', ({ spec }) => modes(spec?.accessModes)),
  column<PersistentVolume>(
    'Reclaim Policy',
    'What becomes of it.',
    ({ spec }) => spec?.persistentVolumeReclaimPolicy ?? '',
  ),
  column<PersistentVolume>('Status', 'Its phase.', ({ metadata, status }) =>
    metadata?.deletionTimestamp === undefined ? (status?.phase ?? '') : 'Terminating',
  ),
  column<PersistentVolume>('Claim', 'Whose it is.', ({ spec }) =>
    spec?.claimRef === undefined ? '' : `${spec.claimRef.namespace}/${spec.claimRef.name}`,
  ),
  column<PersistentVolume>('StorageClass', 'Its class.', ({ spec }) => spec?.storageClassName ?? ''),
  column<PersistentVolume>(
    'VolumeAttributesClass',
    'Its attributes.',
    ({ spec }) => spec?.volumeAttributesClassName ?? '<unset>',
  ),
  column<PersistentVolume>('Reason', 'Why it failed.', ({ status }) => status?.reason ?? ''),
  AGE,
];

export const PERSISTENT_VOLUME_CLAIM_COLUMNS: readonly Column[] = [
  NAME,
  column<PersistentVolumeClaim>('Status', 'Its phase.', ({ metadata, status }) =>
    metadata?.deletionTimestamp === undefined ? (status?.phase ?? '') : 'Terminating',
  ),
  column<PersistentVolumeClaim>('Volume', 'What it got.', ({ spec }) => spec?.volumeName ?? ''),
  column<PersistentVolumeClaim>('Capacity', 'The size of that.', ({ spec, status }) =>
    spec?.volumeName === undefined ? '' : String(status?.capacity?.['storage'] ?? ''),
  ),
  column<PersistentVolumeClaim>('Access Modes', 'How it may be mounted.', ({ spec, status }) =>
    spec?.volumeName === undefined ? '' : modes(status?.accessModes),
  ),
  column<PersistentVolumeClaim>('StorageClass', 'Its class.', ({ spec }) => spec?.storageClassName ?? ''),
  column<PersistentVolumeClaim>(
    'VolumeAttributesClass',
    'Its attributes.',
    ({ spec }) => spec?.volumeAttributesClassName ?? '<unset>',
  ),
  AGE,
];

export const STORAGE_CLASS_COLUMNS: readonly Column[] = [
  {
    ...NAME,
    cell: ({ metadata }) => {
      const { name = '', annotations = {} } = metadata as NonNullable<StorageClass['metadata']>;
      const isDefault = annotations['storageclass.kubernetes.io/is-default-class'] === 'true';
      return isDefault ? `${name} (default)` : name;
    },
  },
  column<StorageClass>('Provisioner', 'Who makes its volumes.', ({ provisioner }) => provisioner ?? ''),
  column<StorageClass>('ReclaimPolicy', 'What becomes of them.', ({ reclaimPolicy }) => reclaimPolicy ?? 'Delete'),
  column<StorageClass>('VolumeBindingMode', 'When.', ({ volumeBindingMode }) => volumeBindingMode ?? 'Immediate'),
  column<StorageClass>('AllowVolumeExpansion', 'Whether they may grow.', ({ allowVolumeExpansion }) =>
    String(allowVolumeExpansion ?? false),
  ),
  AGE,
];
