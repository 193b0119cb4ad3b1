import { connect } from 'node:net';
import { errorText } from '../../api/error-text.ts';
import type { Container, Probe } from '../../api/objects.ts';
import { checkGrpcHealth } from './grpc-health.ts';
import { dialError, httpGet, portNumber } from './http-get.ts';
import type { ProbeHost } from './prober.ts';

/** What one try found. `error`: it could not be asked at all; counts as a failure once the retries are used up. */
export interface ProbeOutcome {
  readonly outcome: 'success' | 'warning' | 'failure' | 'error';
  readonly output: string;
}

export interface ProbeTarget {
  readonly probe: Probe;
  readonly container: Container;
  readonly containerId: string;
  readonly podIp: string;
}

const USER_AGENT = 'kube-probe/1.36';
const SUCCESS: ProbeOutcome = { outcome: 'success', output: '' };

/** Tries once what the probe asks for. Never throws but when aborted. */
export async function runProbe(
  { execSync }: Pick<ProbeHost, 'execSync'>,
  target: ProbeTarget,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  const { probe, container, containerId, podIp } = target;
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
  try {
    if (probe.exec !== undefined)
      return await byExec(execSync, containerId, probe.exec.command ?? [], { timeoutMs, signal });
    if (probe.httpGet !== undefined) {
      const port = portNumber(probe.httpGet.port, container);
      return await byHttp({ host: podIp, port, action: probe.httpGet, userAgent: USER_AGENT, timeoutMs }, signal);
    }
    if (probe.tcpSocket !== undefined) {
      const { host, port } = probe.tcpSocket;
      return await byTcp(host === undefined || host === '' ? podIp : host, portNumber(port, container), timeoutMs);
    }
    if (probe.grpc !== undefined) {
      const { port, service = '' } = probe.grpc;
      const why = await checkGrpcHealth({ host: podIp, port, service, timeoutMs }, signal);
      return why === undefined ? SUCCESS : { outcome: 'failure', output: why };
    }
    return { outcome: 'error', output: `missing probe handler for ${container.name}` };
  } catch (error) {
    signal.throwIfAborted();
    return { outcome: 'error', output: errorText(error) };
  }
}

async function byExec(
  execSync: ProbeHost['execSync'],
  containerId: string,
  command: readonly string[],
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<ProbeOutcome> {
  try {
    const { exitCode, output } = await execSync(containerId, command, timeoutMs, signal);
    return { outcome: exitCode === 0 ? 'success' : 'failure', output };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Error && /timeout|timed out|deadline/i.test(error.message))
      return {
        outcome: 'failure',
        output: `command timed out: ${JSON.stringify(command.join(' '))} timed out after ${timeoutMs / 1000}s`,
      };
    throw error;
  }
}

async function byHttp(target: Parameters<typeof httpGet>[0], signal: AbortSignal): Promise<ProbeOutcome> {
  try {
    const { status, body, isRedirectedAway } = await httpGet(target, signal);
    if (isRedirectedAway) return { outcome: 'warning', output: `Probe terminated redirects, Response body: ${body}` };
    if (status >= 200 && status < 400) return { outcome: 'success', output: body };
    return { outcome: 'failure', output: `HTTP probe failed with statuscode: ${status}` };
  } catch (error) {
    signal.throwIfAborted();
    return { outcome: 'failure', output: errorText(error) };
  }
}

async function byTcp(host: string, port: number, timeoutMs: number): Promise<ProbeOutcome> {
  const { promise, resolve } = Promise.withResolvers<ProbeOutcome>();
  const socket = connect({ host, port });
  const timer = setTimeout(
    () => resolve({ outcome: 'failure', output: `dial tcp ${host}:${port}: i/o timeout` }),
    timeoutMs,
  );
  socket.once('connect', () => resolve(SUCCESS));
  socket.once('error', (error) => resolve({ outcome: 'failure', output: dialError(error, `${host}:${port}`) }));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}
