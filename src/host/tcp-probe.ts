import { connect } from 'node:net';

/** `answers`: something listens. `refuses`: the host lives but nothing listens. `silent`: no host answers. */
export type ProbeResult = 'answers' | 'refuses' | 'silent';

/** Knocks once. Never throws. */
export async function probeTcp(address: string, port: number, timeoutMs: number): Promise<ProbeResult> {
  const { promise, resolve } = Promise.withResolvers<ProbeResult>();
  const socket = connect({ host: address, port });
  const timer = setTimeout(() => resolve('silent'), timeoutMs);
  socket.once('connect', () => resolve('answers'));
  socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED' ? 'refuses' : 'silent'));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}
