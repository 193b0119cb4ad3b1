import type { KubeObject } from '../api/objects.ts';
import { ignoring, StatusError } from '../api/status.ts';
import type { ApiClient, Resource } from '../client/api-client.ts';

/**
 * Whether something could not be created because its namespace is going: no fault, since what wanted it goes too
 * (core/v1 NamespaceTerminatingCause).
 */
export function isNamespaceTerminating(error: unknown): boolean {
  return (
    error instanceof StatusError &&
    error.reason === 'Forbidden' &&
    error.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating') === true
  );
}

/** Creates what every namespace has. That it is there already, or its namespace has gone or begun to go since, is no fault. */
export async function createInNamespace<T extends KubeObject>(
  client: ApiClient,
  resource: Resource<T>,
  object: T,
  signal: AbortSignal,
): Promise<void> {
  await client.create(resource, object, { signal }).catch((error: unknown) => {
    if (!isNamespaceTerminating(error)) ignoring('AlreadyExists', 'NotFound')(error);
  });
}
