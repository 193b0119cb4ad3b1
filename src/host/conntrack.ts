import { isIP } from 'node:net';
import { ExecError, execAny } from './exec.ts';

/** A UDP flow that the kernel tracks. */
export interface Flow {
  readonly source: string;
  readonly sourcePort: number;
  /** As the client wrote it, before any translation. */
  readonly destination: string;
  readonly destinationPort: number;
  /** Who answers: the translated destination. */
  readonly replySource: string;
}

/** The kernel's connection tracking, as far as we use it. */
export interface Conntrack {
  udpFlows(signal: AbortSignal): Promise<readonly Flow[]>;
  /** Forgets the flow, so that its next packet is judged anew. One that is gone already is no error. */
  delete(flow: Flow, signal: AbortSignal): Promise<void>;
}

/**
 * Conntrack by the program of that name.
 *
 * @param prefix put before the command, as `ip netns exec <name>` to work in another network namespace
 */
export function createConntrack(prefix: readonly string[] = []): Conntrack {
  const run = async (args: readonly string[], signal: AbortSignal): Promise<string> => {
    const argv = [...prefix, 'conntrack', ...args];
    const result = await execAny(argv, { signal });
    signal.throwIfAborted();
    // It ends with 1 when it found nothing, and says so with a count.
    if (result.code === 0 || result.stderr.includes('flow entries')) return result.stdout;
    throw new ExecError(argv, result);
  };
  return {
    async udpFlows(signal) {
      return parseFlows(await run(['-L', '-p', 'udp'], signal));
    },
    async delete({ source, sourcePort, destination, destinationPort }, signal) {
      const ports = ['--orig-port-src', String(sourcePort), '--orig-port-dst', String(destinationPort)];
      await run(['-D', '-p', 'udp', '--orig-src', source, '--orig-dst', destination, ...ports], signal);
    },
  };
}

/** The flows in what `conntrack -L` prints: the original direction first, then the reply's. */
export function parseFlows(text: string): Flow[] {
  return text.split('\n').flatMap((line) => {
    const [source, replySource] = valuesOf(line, 'src');
    const [destination] = valuesOf(line, 'dst');
    const [sourcePort] = valuesOf(line, 'sport');
    const [destinationPort] = valuesOf(line, 'dport');
    if (source === undefined || replySource === undefined || destination === undefined) return [];
    if (isIP(destination) === 0) return [];
    return [
      { source, destination, replySource, sourcePort: Number(sourcePort), destinationPort: Number(destinationPort) },
    ];
  });
}

function valuesOf(line: string, name: string): string[] {
  return [...line.matchAll(new RegExp(` ${name}=(\\S+)`, 'g'))].map(([, value = '']) => value);
}
