import type { Pod } from '../../api/objects.ts';
import { badRequest } from '../../api/status.ts';
import type { ConnectHandler, ConnectHandlers, ConnectRequest, ConnectTransport } from '../connect.ts';
import { chooseContainer } from './choose-container.ts';
import { forwardHeaders } from './forward-headers.ts';
import { logQuery } from './log-options.ts';
import { type KubeletTls, openRequest } from './open-request.ts';
import { passExchange, passText } from './pass-exchange.ts';
import { passUpgrade } from './pass-upgrade.ts';
import { podTarget, serviceTarget } from './proxy-target.ts';
import { streamQuery } from './stream-query.ts';
import { kubeletTarget, pathOf, type Target } from './target.ts';

/** The streams between clients and kubelets, pods and services, by `<resource>/<subresource>`. */
export function createConnectHandlers(tls: () => KubeletTls): ConnectHandlers {
  const stream = (subresource: 'exec' | 'attach'): ConnectHandler => ({
    async connect(request, transport, signal) {
      const { namespace, name, query, registry } = request;
      const pod = await registry.get<Pod>('pods', namespace, name);
      const container = chooseContainer(pod, query.get('container') ?? '');
      const path = pathOf([subresource, namespace, name, container], streamQuery(subresource, query));
      await upgrade(await kubeletTarget(registry, nodeOf(pod), path), transport, signal);
    },
  });
  const upgrade = async (target: Target, transport: ConnectTransport, signal: AbortSignal): Promise<void> => {
    if (transport.type !== 'upgrade') throw badRequest('Upgrade request required');
    const { request, socket, head } = transport;
    const headers = forwardHeaders(request.rawHeaders, hostOf(target), request.headers.upgrade ?? '');
    const method = request.method ?? 'POST';
    await passUpgrade(openRequest({ target, method, headers, tls }, signal), { socket, head }, signal);
  };
  const portForward: ConnectHandler = {
    async connect({ namespace, name, query, registry }, transport, signal) {
      const pod = await registry.get<Pod>('pods', namespace, name);
      const ports = new URLSearchParams(query.getAll('ports').map((port): [string, string] => ['port', port]));
      const path = pathOf(['portForward', namespace, name], ports);
      await upgrade(await kubeletTarget(registry, nodeOf(pod), path), transport, signal);
    },
  };
  const log: ConnectHandler = {
    async connect({ namespace, name, query, registry }, transport, signal) {
      if (transport.type !== 'exchange') throw badRequest('logs are read without an upgrade');
      const pod = await registry.get<Pod>('pods', namespace, name);
      const checked = logQuery(name, query);
      const container = chooseContainer(pod, query.get('container') ?? '');
      // A pod that no node has yet has said nothing yet.
      if (!pod.spec?.nodeName) return sendNothing(transport);
      const path = pathOf(['containerLogs', namespace, name, container], checked);
      const target = await kubeletTarget(registry, pod.spec.nodeName, path);
      const request = openRequest({ target, method: 'GET', headers: { host: hostOf(target) }, tls }, signal);
      await passText(request, transport, signal);
    },
  };
  const proxy = (find: (request: ConnectRequest, path: string) => Promise<Target>): ConnectHandler => ({
    async connect(request, transport, signal) {
      const text = request.query.toString();
      const rest = request.restPath === '' ? '/' : request.restPath;
      const target = await find(request, text === '' ? rest : `${rest}?${text}`);
      if (transport.type === 'upgrade') return upgrade(target, transport, signal);
      const { rawHeaders, method = 'GET' } = transport.request;
      const headers = forwardHeaders(rawHeaders, hostOf(target), null);
      await passExchange(openRequest({ target, method, headers, tls }, signal), transport, signal);
    },
  });
  return new Map<string, ConnectHandler>([
    ['pods/exec', stream('exec')],
    ['pods/attach', stream('attach')],
    ['pods/portforward', portForward],
    ['pods/log', log],
    ['nodes/proxy', proxy(({ registry, name }, path) => kubeletTarget(registry, name.split(':')[0] ?? '', path))],
    ['pods/proxy', proxy(({ registry, namespace, name }, path) => podTarget({ registry, namespace, name, path }))],
    [
      'services/proxy',
      proxy(({ registry, namespace, name }, path) => serviceTarget({ registry, namespace, name, path })),
    ],
  ]);
}

function nodeOf(pod: Pod): string {
  const node = pod.spec?.nodeName ?? '';
  if (node === '') throw badRequest(`pod ${pod.metadata?.name} does not have a host assigned`);
  return node;
}

function hostOf({ host, port }: Target): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function sendNothing({ response }: Extract<ConnectTransport, { type: 'exchange' }>): void {
  response.statusCode = 200;
  response.setHeader('content-type', 'text/plain');
  response.end();
}
