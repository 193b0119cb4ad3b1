import { type HttpApiClient, createHttpApiClient } from '../client/http-api-client.ts';
import { loadKubeconfig } from '../client/kubeconfig.ts';
import { serviceAccountConfig } from '../client/service-account-config.ts';
import { systemClock } from '../host/clock.ts';

interface ServiceAccountClients {
  /** A client with the rights of that service account of kube-system; one for each name. */
  readonly of: (name: string) => HttpApiClient;
  readonly close: () => void;
}

/** Clients of the kubeconfig's cluster whose tokens `client` asks for. Each connects when it is used. */
export async function serviceAccountClients(kubeconfig: string, client: HttpApiClient): Promise<ServiceAccountClients> {
  const base = { config: await loadKubeconfig(kubeconfig), client, clock: systemClock };
  const clients = new Map<string, HttpApiClient>();
  return {
    of: (name) => {
      const config = serviceAccountConfig(base, 'kube-system', name);
      const one = clients.get(name) ?? createHttpApiClient({ config, userAgent: `bramble-${name}/v1.36.0` });
      clients.set(name, one);
      return one;
    },
    close: () => {
      for (const one of clients.values()) one.close();
    },
  };
}
