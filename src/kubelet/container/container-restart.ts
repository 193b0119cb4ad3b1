import type { Container, Pod } from '../../api/objects.ts';
import { latestContainer } from '../runtime/runtime-pod.ts';
import type { RuntimePod } from '../runtime/runtime-pod.ts';

/** Whether a container that ended is started again: the pod's policy, or its own with its rules (KEP-5307). */
export function restartsAfter(pod: Pod, container: Container, exitCode: number): boolean {
  const own = container.restartPolicy;
  if (own === undefined) return policyRestarts(pod.spec?.restartPolicy ?? 'Always', exitCode);
  const rule = (container.restartPolicyRules ?? []).find(({ exitCodes }) => {
    const isIn = (exitCodes?.values ?? []).includes(exitCode);
    return exitCodes !== undefined && (exitCodes.operator === 'In' ? isIn : !isIn);
  });
  if (rule?.action === 'Restart') return true;
  return policyRestarts(own, exitCode);
}

function policyRestarts(policy: string, exitCode: number): boolean {
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
}

/** Whether a failure seen while the container still runs (a probe's) leads to a new start: rules need an exit code. */
export function restartsOnFailure(pod: Pod, container?: Container): boolean {
  return (container?.restartPolicy ?? pod.spec?.restartPolicy) !== 'Never';
}

/** Whether the container is to be started at the next sync (upstream ShouldContainerBeRestarted). */
export function shouldStart(pod: Pod, container: Container, runtimePod: RuntimePod): boolean {
  if (pod.metadata?.deletionTimestamp !== undefined) return false;
  const status = latestContainer(runtimePod, container.name);
  if (status === undefined) return true;
  if (status.state === 'running') return false;
  if (status.state === 'unknown' || status.state === 'created') return true;
  return restartsAfter(pod, container, status.exitCode);
}
