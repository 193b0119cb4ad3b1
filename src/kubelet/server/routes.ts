import type { Handler, UpgradeHandler } from './kubelet-call.ts';
import { sendJson, sendText } from './kubelet-call.ts';
import { containerLogs } from './container-logs.ts';
import { attach, exec, portForward, run } from './stream-handlers.ts';

/** What the kubelet answers, by the path's first element. */
export const HANDLERS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['healthz', async (_call, response) => sendText(response, 200, 'ok')],
  [
    'pods',
    async ({ view }, response) =>
      sendJson(response, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: view.pods() }),
  ],
  ['containerLogs', containerLogs],
  ['run', run],
]);

/** What takes connections over. */
export const UPGRADES: ReadonlyMap<string, UpgradeHandler> = new Map<string, UpgradeHandler>([
  ['exec', exec],
  ['attach', attach],
  ['portForward', portForward],
]);
