import type { ConfigMap, Secret } from '../../api/objects.ts';
import { StatusError } from '../../api/status.ts';
import type { Payload, VolumeFile } from './atomic-writer.ts';

interface KeyToPath {
  readonly key: string;
  readonly path: string;
  readonly mode?: number;
}

interface Selection {
  readonly items?: readonly KeyToPath[];
  readonly optional?: boolean;
  readonly defaultMode: number;
}

/** The files that a ConfigMap gives: text and binary keys together. */
export function configMapPayload(map: ConfigMap | undefined, selection: Selection): Payload {
  const data = new Map<string, Uint8Array>();
  for (const [key, text] of Object.entries(map?.data ?? {})) data.set(key, Buffer.from(text, 'utf8'));
  for (const [key, base64] of Object.entries(map?.binaryData ?? {})) data.set(key, Buffer.from(base64, 'base64'));
  return select(data, selection, 'configmap references non-existent config key');
}

/** The files of a Secret. @throws StatusError NotFound for a key that must exist */
export function secretPayload(secret: Secret | undefined, selection: Selection): Payload {
  const data = new Map<string, Uint8Array>();
  for (const [key, base64] of Object.entries(secret?.data ?? {})) data.set(key, Buffer.from(base64, 'base64'));
  return select(data, selection, 'references non-existent secret key');
}

/**
 * All keys, or those that items name under the paths they give.
 *
 * @param missing upstream's words for a key that is not there
 * @throws StatusError NotFound for a key that must exist
 */
function select(
  data: ReadonlyMap<string, Uint8Array>,
  { items, optional, defaultMode }: Selection,
  missing: string,
): Payload {
  if (items === undefined || items.length === 0)
    return new Map([...data].map(([key, content]): [string, VolumeFile] => [key, { content, mode: defaultMode }]));
  const files = new Map<string, VolumeFile>();
  for (const { key, path, mode } of items) {
    const content = data.get(key);
    if (content === undefined) {
      if (optional === true) continue;
      throw new StatusError('NotFound', `${missing}: ${key}`);
    }
    files.set(path, { content, mode: mode ?? defaultMode });
  }
  return files;
}
