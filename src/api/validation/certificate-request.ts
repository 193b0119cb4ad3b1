import { Buffer } from 'node:buffer';
import type { FieldError } from '../field-error.ts';
import { duplicate, forbiddenField, invalid, notSupported, required } from '../field-error.ts';
import type { CertificateSigningRequest } from '../objects.ts';
import { dns1123Label, dns1123Subdomain } from './names.ts';
import { immutable, sameJson } from './object-meta.ts';

const USAGES = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
];
const SIGNER_CHARACTERS_MAX = 571;
const EXPIRATION_SECONDS_MIN = 600;

/** A CertificateSigningRequest's spec (pkg/apis/certificates/validation). Whether the PEM holds a good request is the signer's to say. */
export function validateCertificateRequest(request: CertificateSigningRequest): FieldError[] {
  const { spec } = request;
  const errors: FieldError[] = [];
  const pem = Buffer.from(spec?.request ?? '', 'base64').toString('latin1');
  if (!/-----BEGIN (NEW )?CERTIFICATE REQUEST-----/.test(pem))
    errors.push(invalid('spec.request', spec?.request ?? '', 'PEM block type must be CERTIFICATE REQUEST'));
  const usages = spec?.usages ?? [];
  if (usages.length === 0) errors.push(required('spec.usages'));
  for (const [i, usage] of usages.entries()) {
    if (!USAGES.includes(usage)) errors.push(notSupported(`spec.usages[${i}]`, usage, USAGES));
    else if (usages.indexOf(usage) < i) errors.push(duplicate(`spec.usages[${i}]`, usage));
  }
  errors.push(...validateSignerName(spec?.signerName ?? '', 'spec.signerName'));
  const seconds = spec?.expirationSeconds;
  if (seconds !== undefined && seconds < EXPIRATION_SECONDS_MIN)
    errors.push(
      invalid('spec.expirationSeconds', seconds, 'may not specify a duration less than 600 seconds (10 minutes)'),
    );
  return [...errors, ...validateConditions(request)];
}

function validateSignerName(name: string, at: string): FieldError[] {
  if (name === '') return [required(at)];
  const slash = name.indexOf('/');
  if (slash < 0)
    return [invalid(at, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'")];
  if (name.slice(slash + 1).includes('/')) return [invalid(at, name, 'must contain only one "/"')];
  const domain = name.slice(0, slash);
  const errors = dns1123Subdomain(domain).map((why) => invalid(at, domain, `validating label "${domain}": ${why}`));
  if (!domain.includes('.'))
    errors.push(invalid(at, domain, 'should be a domain with at least two segments separated by dots'));
  for (const part of name.slice(slash + 1).split('.'))
    errors.push(...dns1123Label(part).map((why) => invalid(at, name, `validating label "${part}": ${why}`)));
  if (name.length > SIGNER_CHARACTERS_MAX)
    errors.push(invalid(at, name, `must be no more than ${SIGNER_CHARACTERS_MAX} characters`));
  return errors;
}

function validateConditions(request: CertificateSigningRequest): FieldError[] {
  const conditions = request.status?.conditions ?? [];
  const seen = new Set<string>();
  const errors: FieldError[] = [];
  for (const [i, { type, status }] of conditions.entries()) {
    const at = `status.conditions[${i}]`;
    if (!type) errors.push(required(`${at}.type`));
    if (!status) errors.push(required(`${at}.status`));
    else if (!['True', 'False', 'Unknown'].includes(status))
      errors.push(notSupported(`${at}.status`, status, ['False', 'True', 'Unknown']));
    if (['Approved', 'Denied', 'Failed'].includes(type) && status && status !== 'True')
      errors.push(notSupported(`${at}.status`, status, ['True']));
    if (seen.has(type)) errors.push(duplicate(`${at}.type`, type));
    seen.add(type);
  }
  if (seen.has('Approved') && seen.has('Denied'))
    errors.push(invalid('status.conditions', 'Denied', 'Approved and Denied conditions are mutually exclusive'));
  return errors;
}

/** What no update may change: the spec, a decision once taken, a certificate once issued (ValidateCertificateSigningRequestUpdate). */
export function validateCertificateRequestUpdate(
  now: CertificateSigningRequest,
  old: CertificateSigningRequest,
  isApproval: boolean,
): FieldError[] {
  const errors = immutable('spec', now.spec, old.spec);
  for (const type of ['Approved', 'Denied', 'Failed']) {
    const find = (request: CertificateSigningRequest): object | undefined =>
      request.status?.conditions?.find((condition) => condition.type === type);
    const [current, before] = [find(now), find(old)];
    if (before !== undefined && current === undefined)
      errors.push(forbiddenField('status.conditions', `updates may not remove a condition of type "${type}"`));
    else if (before === undefined && current !== undefined && !isApproval && type !== 'Failed')
      errors.push(forbiddenField('status.conditions', `updates may not add a condition of type "${type}"`));
    else if (
      before !== undefined &&
      !sameJson(now.status?.conditions, old.status?.conditions) &&
      !sameJson(current, before)
    )
      errors.push(forbiddenField('status.conditions', `updates may not modify a condition of type "${type}"`));
  }
  if (old.status?.certificate && now.status?.certificate !== old.status.certificate)
    errors.push(forbiddenField('status.certificate', 'updates may not modify a set certificate'));
  return errors;
}
