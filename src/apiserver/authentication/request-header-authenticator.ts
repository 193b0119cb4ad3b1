import { X509Certificate } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Authenticator } from './authenticator.ts';
import { userOf } from './x509-authenticator.ts';
import { extraKey } from './extra-key.ts';

interface RequestHeaderOptions {
  /** The front proxy's own authority: never the cluster's, or every client could name itself. */
  readonly caPem: string;
  /** Common names of proxies; empty: any that the authority signed. */
  readonly allowedNames: readonly string[];
  readonly nowMs: () => number;
}

const EXTRA_PREFIX = 'x-remote-extra-';

/** Believes X-Remote-User, -Group and -Extra- from a front proxy whose certificate proves it (request/headerrequest). */
export function requestHeaderAuthenticator({ caPem, allowedNames, nowMs }: RequestHeaderOptions): Authenticator {
  const authority = new X509Certificate(caPem);
  const isProxy = (certificate: X509Certificate): boolean => {
    if (!certificate.checkIssued(authority) || !certificate.verify(authority.publicKey)) return false;
    const now = nowMs();
    if (now < Date.parse(certificate.validFrom) || now > Date.parse(certificate.validTo)) return false;
    return allowedNames.length === 0 || allowedNames.includes(userOf(certificate)?.name ?? '');
  };
  return {
    authenticate({ peerCertificate, headers }) {
      const name = one(headers, 'x-remote-user');
      if (name === '' || peerCertificate === undefined || !isProxy(peerCertificate)) return Promise.resolve(null);
      const extra = Object.entries(headers).flatMap(([key, value]): [string, string[]][] =>
        key.startsWith(EXTRA_PREFIX) && value !== undefined
          ? [[extraKey(key.slice(EXTRA_PREFIX.length)), all(value)]]
          : [],
      );
      return Promise.resolve({
        name,
        uid: one(headers, 'x-remote-uid'),
        groups: all(headers['x-remote-group']),
        extra: Object.fromEntries(extra),
      });
    },
  };
}

function one(headers: IncomingHttpHeaders, name: string): string {
  return all(headers[name])[0] ?? '';
}

/** Node joins repeated headers with a comma and a blank. */
function all(value: string | readonly string[] | undefined): string[] {
  if (value === undefined) return [];
  return typeof value === 'string' ? value.split(', ').filter((part) => part !== '') : [...value];
}
