import type { EndpointSlice, Pod, Service } from '../../api/objects.ts';
import { badRequest, StatusError } from '../../api/status.ts';
import type { RegistryAccess } from '../registry/registry-access.ts';
import { parseProxyName } from './proxy-name.ts';
import type { Target } from './target.ts';

interface ProxyRequest {
  readonly registry: RegistryAccess;
  readonly namespace: string;
  /** As in the path: `[scheme:]name[:port]`. */
  readonly name: string;
  /** Path and query after `proxy`. */
  readonly path: string;
}

/** Where `pods/<name>/proxy` leads. @throws StatusError NotFound, BadRequest */
export async function podTarget({ registry, namespace, name, path }: ProxyRequest): Promise<Target> {
  const { scheme, name: podName, port } = parseProxyName(name);
  const pod = await registry.get<Pod>('pods', namespace, podName);
  const ip = pod.status?.podIP ?? '';
  if (ip === '') throw badRequest('address not allowed');
  const ports = (pod.spec?.containers ?? []).flatMap((container) => container.ports ?? []);
  const found =
    port === '' ? ports[0]?.containerPort : (ports.find((one) => one.name === port)?.containerPort ?? Number(port));
  return { scheme, host: ip, port: checkPort(found ?? (scheme === 'https' ? 443 : 80), port), path, node: null };
}

/** Where `services/<name>/proxy` leads: one ready endpoint of it. @throws StatusError NotFound, ServiceUnavailable */
export async function serviceTarget({ registry, namespace, name, path }: ProxyRequest): Promise<Target> {
  const { scheme, name: serviceName, port } = parseProxyName(name);
  const service = await registry.get<Service>('services', namespace, serviceName);
  const ports = service.spec?.ports ?? [];
  const wanted = ports.find((one) => port === '' || one.name === port || String(one.port) === port);
  if (wanted === undefined)
    throw new StatusError('ServiceUnavailable', `no service port "${port}" found for service "${serviceName}"`);
  const slices = await registry.list<EndpointSlice>('endpointslices.discovery.k8s.io', namespace, {
    freshness: 'cache',
    labelSelector: `kubernetes.io/service-name=${serviceName}`,
  });
  for (const slice of slices) {
    const target = (slice.ports ?? []).find((one) => (one.name ?? '') === (wanted.name ?? ''))?.port;
    const address = (slice.endpoints ?? []).find(({ conditions }) => conditions?.ready !== false)?.addresses[0];
    if (target === undefined || address === undefined) continue;
    return { scheme, host: address, port: target, path, node: null };
  }
  throw new StatusError('ServiceUnavailable', `no endpoints available for service "${serviceName}"`);
}

function checkPort(port: number, text: string): number {
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw badRequest(`invalid port "${text}"`);
}
