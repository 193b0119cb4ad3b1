import { StatusError } from '../api/status.ts';

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
