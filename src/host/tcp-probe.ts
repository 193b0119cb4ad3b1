import { connect } from 'node:net';

/** `answers`: something listens. `refuses`: the host lives but nothing listens. `silent`: no host answers. */
export type ProbeResult = 'answers' | 'refuses' | 'silent';

/** Knocks once. Never throws. */
export async function probeTcp(address: string, port: number, timeoutMs: number): Promise<ProbeResult> {
  const { promise, resolve } = Promise.withResolvers<ProbeResult>();
  const socket = connect({ host: address, port });
  // After one more look at the sockets: a process that was held up sees its timers first, and the answers, which have long
  // been there, only then.
  const timer = setTimeout(() => setImmediate(() => resolve('silent')), timeoutMs);
  socket.once('connect', () => resolve('answers'));
  socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED' ? 'refuses' : 'silent'));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}
