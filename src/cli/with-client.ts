import { createHttpApiClient, type HttpApiClient } from '../client/http-api-client.ts';
import { loadKubeconfig } from '../client/kubeconfig.ts';

/** Runs with a client of the kubeconfig's cluster, and closes it afterwards. */
export async function withClient(
  kubeconfig: string,
  part: string,
  run: (client: HttpApiClient) => Promise<void>,
): Promise<void> {
  const client = createHttpApiClient({
    config: await loadKubeconfig(kubeconfig),
    userAgent: `bramble-${part}/v1.36.0`,
  });
  try {
    await run(client);
  } finally {
    client.close();
  }
}
