import { badRequest } from '../../api/status.ts';

/** `[scheme:]name[:port]`, as names of pods and services are written in proxy paths. */
export interface ProxyName {
  readonly scheme: 'http' | 'https';
  readonly name: string;
  /** A number or a port's name; empty: the first or only one. */
  readonly port: string;
}

/** @throws StatusError BadRequest */
export function parseProxyName(text: string): ProxyName {
  const parts = text.split(':');
  const [first = '', second = '', third = ''] = parts;
  const name = parts.length === 3 ? second : first;
  const scheme = parts.length === 3 ? first : '';
  const port = parts.length === 3 ? third : second;
  if (parts.length > 3 || name === '' || !['', 'http', 'https'].includes(scheme))
    throw badRequest(`invalid pod or service request "${text}"`);
  return { scheme: scheme === 'https' ? 'https' : 'http', name, port };
}
