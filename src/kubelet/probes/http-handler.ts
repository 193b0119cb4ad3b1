import { allContainers } from '../pod-identity.ts';
import { httpGet, portNumber } from './http-get.ts';
import type { HttpHook } from './prober.ts';

/** Upstream's kubelet gives HTTP hooks this long to answer; the pod's grace period ends them sooner. */
const HOOK_TIMEOUT_MS = 30_000;

/** Runs an httpGet hook (postStart, preStop). @throws Error on a status of 400 and above, or no answer */
export const runHttpHandler: HttpHook = async (handler, { podIp, pod, container }, signal) => {
  const spec = allContainers(pod).find(({ name }) => name === container);
  if (spec === undefined) throw new Error(`there is no container ${container}`);
  const target = {
    host: podIp,
    port: portNumber(handler.port, spec),
    action: handler,
    userAgent: 'kube-lifecycle/1.36',
    timeoutMs: HOOK_TIMEOUT_MS,
  };
  const { status, body } = await httpGet(target, signal);
  if (status >= 400) throw new Error(`HTTP hook failed with statuscode: ${status}`);
  return body;
};
