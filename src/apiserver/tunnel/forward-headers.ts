/** Headers of one hop (RFC 9110 section 7.6.1), and those that prove the client to us and nobody else. */
const DROPPED = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
  'authorization',
  'http2-settings',
]);
const DROPPED_PREFIXES = ['impersonate-', 'x-remote-', ':'];
const BEARER_PROTOCOL = 'base64url.bearer.authorization.k8s.io.';

/**
 * The client's headers as they go on, as the flat list of names and values that Node takes, repeated ones kept.
 * @param upgrade the protocol that both sides are to switch to, or null for an ordinary request
 */
export function forwardHeaders(raw: readonly string[], host: string, upgrade: string | null): string[] {
  const headers = ['Host', host];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    const value = raw[i + 1] ?? '';
    const lower = name.toLowerCase();
    if (DROPPED.has(lower) || DROPPED_PREFIXES.some((prefix) => lower.startsWith(prefix))) continue;
    if (lower === 'sec-websocket-protocol') {
      const kept = withoutToken(value);
      if (kept !== '') headers.push(name, kept);
    } else {
      headers.push(name, value);
    }
  }
  if (upgrade !== null) headers.push('Connection', 'Upgrade', 'Upgrade', upgrade);
  return headers;
}

/** A browser's token rides among the protocols; it is for us. */
function withoutToken(protocols: string): string {
  return protocols
    .split(',')
    .map((one) => one.trim())
    .filter((one) => !one.startsWith(BEARER_PROTOCOL))
    .join(', ');
}

/** An answer's headers as they go back over another connection. */
export function answerHeaders(raw: readonly string[]): [string, string][] {
  const headers: [string, string][] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    if (!DROPPED.has(name.toLowerCase())) headers.push([name, raw[i + 1] ?? '']);
  }
  return headers;
}
