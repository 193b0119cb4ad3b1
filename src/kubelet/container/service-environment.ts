import type { Service } from '../../api/objects.ts';

/**
 * Environment variables by which containers find Services: `WEB_SERVICE_HOST`, `WEB_SERVICE_PORT`, and Docker's link
 * form (upstream pkg/kubelet/envvars).
 *
 * @param services those of the pod's namespace if it wants links
 * @param master `kubernetes` of the default namespace, always there
 */
export function serviceEnvironment(services: readonly Service[], master: Service | undefined): Map<string, string> {
  const result = new Map<string, string>();
  for (const service of master === undefined ? services : [...services, master]) {
    const ip = service.spec?.clusterIP ?? '';
    const [first] = service.spec?.ports ?? [];
    if (ip === '' || ip === 'None' || first === undefined) continue;
    const name = variableName(service.metadata?.name ?? '');
    result.set(`${name}_SERVICE_HOST`, ip);
    result.set(`${name}_SERVICE_PORT`, String(first.port));
    for (const port of service.spec?.ports ?? []) {
      if (port.name !== undefined && port.name !== '')
        result.set(`${name}_SERVICE_PORT_${variableName(port.name)}`, String(port.port));
    }
    addLinks(result, service, name, ip);
  }
  return result;
}

function addLinks(result: Map<string, string>, service: Service, name: string, ip: string): void {
  const host = ip.includes(':') ? `[${ip}]` : ip;
  for (const [index, { port, protocol = 'TCP' }] of (service.spec?.ports ?? []).entries()) {
    const url = `${protocol.toLowerCase()}://${host}:${port}`;
    const prefix = `${name}_PORT_${port}_${protocol.toUpperCase()}`;
    if (index === 0) result.set(`${name}_PORT`, url);
    result.set(prefix, url);
    result.set(`${prefix}_PROTO`, protocol.toLowerCase());
    result.set(`${prefix}_PORT`, String(port));
    result.set(`${prefix}_ADDR`, ip);
  }
}

function variableName(name: string): string {
  return name.replaceAll('-', '_').toUpperCase();
}
