import { badRequest } from '../../api/status.ts';
import { isTrue } from './log-options.ts';

/** Which streams exec and attach carry, in the kubelet's words (streamParams in pkg/registry/core/pod/strategy.go). */
const STREAMS = [
  ['stdin', 'input'],
  ['stdout', 'output'],
  ['stderr', 'error'],
  ['tty', 'tty'],
] as const;

/** The kubelet's query for exec or attach. @throws StatusError BadRequest */
export function streamQuery(subresource: 'exec' | 'attach', query: URLSearchParams): URLSearchParams {
  const sent = new URLSearchParams();
  for (const [client, kubelet] of STREAMS) if (query.has(client) && isTrue(query.get(client))) sent.set(kubelet, '1');
  if (!sent.has('input') && !sent.has('output') && !sent.has('error'))
    throw badRequest('you must specify at least 1 of stdin, stdout, stderr');
  if (subresource === 'exec') {
    const command = query.getAll('command');
    if (command.length === 0) throw badRequest('you must specify at least one command for the container');
    for (const word of command) sent.append('command', word);
  }
  return sent;
}
