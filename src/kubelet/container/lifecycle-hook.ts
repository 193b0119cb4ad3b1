import type { Container, LifecycleHandler, Pod } from '../../api/objects.ts';
import type { KubeletDeps } from '../kubelet-deps.ts';

/** A hook that runs a command has this long; upstream gives it no limit, the grace period ends preStop. */
const NO_TIMEOUT = 0;

/** Runs a postStart or preStop hook to its end. @throws Error when it fails */
export async function runHook(
  deps: Pick<KubeletDeps, 'runtime' | 'clock' | 'httpHook'>,
  handler: LifecycleHandler,
  target: { readonly pod: Pod; readonly container: Container; readonly containerId: string; readonly podIp: string },
  signal: AbortSignal,
): Promise<void> {
  if (handler.exec !== undefined) {
    const command = handler.exec.command ?? [];
    const result = await deps.runtime.execSync(target.containerId, command, NO_TIMEOUT, signal);
    if (result.exitCode === 0) return;
    const output = Buffer.concat([result.stdout, result.stderr]).toString('utf8');
    throw new Error(`command '${command.join(' ')}' exited with ${result.exitCode}: ${output}`);
  }
  if (handler.httpGet !== undefined) {
    const { podIp, pod, container } = target;
    await deps.httpHook(handler.httpGet, { podIp, pod, container: container.name }, signal);
    return;
  }
  if (handler.sleep !== undefined) return deps.clock.sleepMs(handler.sleep.seconds * 1000, signal);
  throw new Error('Invalid handler: it must be one of exec, httpGet and sleep');
}
