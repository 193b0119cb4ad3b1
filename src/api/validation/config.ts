import { jsonErrorText } from '../json-error.ts';
import { Buffer } from 'node:buffer';
import type { FieldError } from '../field-error.ts';
import { forbiddenField, invalid, required, tooLong } from '../field-error.ts';
import type { ConfigMap, Secret } from '../objects.ts';
import { configMapKey } from './names.ts';
import { IMMUTABLE, sameJson } from './object-meta.ts';

/** All data of a ConfigMap or Secret together. */
const DATA_BYTES_MAX = 1024 * 1024;
const BASIC_AUTH = ['username', 'password'];
const OF_TYPE: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
};

/** A ConfigMap, apart from its metadata. */
export function validateConfigMap({ data = {}, binaryData = {} }: ConfigMap): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(data)) {
    errors.push(...configMapKey(key).map((why) => invalid(`data[${key}]`, key, why)));
    if (Object.hasOwn(binaryData, key))
      errors.push(invalid(`data[${key}]`, key, 'duplicate of key present in binaryData'));
    bytes += Buffer.byteLength(value);
  }
  for (const [key, value] of Object.entries(binaryData)) {
    errors.push(...configMapKey(key).map((why) => invalid(`binaryData[${key}]`, key, why)));
    bytes += Buffer.byteLength(value, 'base64');
  }
  if (bytes > DATA_BYTES_MAX) errors.push(tooLong('[]', DATA_BYTES_MAX));
  return errors;
}

/** Once immutable, its data stay, and immutable it stays. */
export function validateConfigMapUpdate(now: ConfigMap, old: ConfigMap): FieldError[] {
  return validateSealed(now, old, ['data', 'binaryData']);
}

/** A Secret, apart from its metadata: the keys that its type promises. */
export function validateSecret(secret: Secret): FieldError[] {
  const { data = {}, type = '' } = secret;
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(data)) {
    errors.push(...configMapKey(key).map((why) => invalid(`data[${key}]`, key, why)));
    bytes += Buffer.byteLength(value, 'base64');
  }
  if (bytes > DATA_BYTES_MAX) errors.push(tooLong('data', DATA_BYTES_MAX));
  for (const key of OF_TYPE[type] ?? []) {
    const value = data[key];
    if (value === undefined) {
      errors.push(required(`data[${key}]`));
    } else if (key.startsWith('.docker') && !isJson(Buffer.from(value, 'base64').toString('utf8'))) {
      errors.push(
        invalid(
          `data[${key}]`,
          '<secret contents redacted>',
          jsonErrorText(Buffer.from(value, 'base64').toString('utf8')),
        ),
      );
    }
  }
  if (
    type === 'kubernetes.io/service-account-token' &&
    !secret.metadata?.annotations?.['kubernetes.io/service-account.name']
  )
    errors.push(required('metadata.annotations[kubernetes.io/service-account.name]'));
  if (type === 'kubernetes.io/basic-auth' && BASIC_AUTH.every((key) => data[key] === undefined))
    errors.push(...BASIC_AUTH.map((key) => required(`data[${key}]`)));
  return errors;
}

/** A Secret's type is for ever; once immutable, so are its data. */
export function validateSecretUpdate(now: Secret, old: Secret): FieldError[] {
  const errors = now.type === old.type ? [] : [invalid('type', now.type, IMMUTABLE)];
  return [...errors, ...validateSealed(now, old, ['data'])];
}

function validateSealed<T extends { immutable?: boolean }>(
  now: T,
  old: T,
  fields: readonly (keyof T & string)[],
): FieldError[] {
  if (old.immutable !== true) return [];
  const why = 'field is immutable when `immutable` is set';
  const errors = now.immutable === true ? [] : [forbiddenField('immutable', why)];
  for (const field of fields) {
    if (!sameJson(now[field], old[field])) errors.push(forbiddenField(field, why));
  }
  return errors;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
