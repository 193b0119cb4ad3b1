import type { Volume, VolumeProjection } from '../objects.ts';
import { canonicalQuantity, isQuantity } from '../quantity.ts';

/** Mode of files from Secrets, ConfigMaps and the like: 0644. */
const FILE_MODE = 0o644;
/** A projected token lives an hour unless it says otherwise. */
const TOKEN_SECONDS = 3600;

/** Fills in one volume (SetDefaults_Volume and its sources); a volume without a source is an emptyDir. */
export function defaultVolume(volume: Volume): void {
  if (Object.keys(volume).every((key) => key === 'name')) volume.emptyDir = {};
  const { emptyDir, hostPath, secret, configMap, downwardAPI, projected } = volume;
  if (emptyDir !== undefined && isQuantity(emptyDir.sizeLimit))
    emptyDir.sizeLimit = canonicalQuantity(emptyDir.sizeLimit);
  if (hostPath !== undefined) hostPath.type ??= '';
  if (secret !== undefined) secret.defaultMode ??= FILE_MODE;
  if (configMap !== undefined) configMap.defaultMode ??= FILE_MODE;
  if (downwardAPI !== undefined) {
    downwardAPI.defaultMode ??= FILE_MODE;
    defaultDownward(downwardAPI.items);
  }
  if (projected !== undefined) {
    projected.defaultMode ??= FILE_MODE;
    for (const source of projected.sources ?? []) defaultProjection(source);
  }
  const claim = volume.ephemeral?.volumeClaimTemplate;
  if (claim !== undefined) claim.spec.volumeMode ||= 'Filesystem';
}

function defaultProjection(source: VolumeProjection): void {
  if (source.serviceAccountToken !== undefined) source.serviceAccountToken.expirationSeconds ??= TOKEN_SECONDS;
  defaultDownward(source.downwardAPI?.items);
}

function defaultDownward(items: NonNullable<VolumeProjection['downwardAPI']>['items']): void {
  for (const { fieldRef, resourceFieldRef } of items ?? []) {
    if (fieldRef !== undefined) fieldRef.apiVersion ||= 'v1';
    if (resourceFieldRef !== undefined) resourceFieldRef.divisor ??= '0';
  }
}
