import { StatusError } from '../../api/status.ts';
import type { AuthorizationAttributes } from './authorizer.ts';

/** `User "x" cannot list resource "pods" in API group "" in the namespace "y"` (apiserver responsewriters/errors.go). */
function forbiddenText(request: AuthorizationAttributes): string {
  const { user, verb, isResourceRequest, group, namespace, path } = request;
  if (!isResourceRequest) return `User ${quote(user.name)} cannot ${verb} path ${quote(path)}`;
  const resource = request.subresource === '' ? request.resource : `${request.resource}/${request.subresource}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${quote(namespace)}`;
  return `User ${quote(user.name)} cannot ${verb} resource ${quote(resource)} in API group ${quote(group)} ${where}`;
}

/** The 403 for a request that no authorizer allows. @param reason what the authorizers said; may be empty */
export function forbiddenRequest(request: AuthorizationAttributes, reason: string): StatusError {
  const text = reason === '' ? forbiddenText(request) : `${forbiddenText(request)}: ${reason}`;
  if (!request.isResourceRequest) return new StatusError('Forbidden', `forbidden: ${text}`, { details: {} });
  const { group, resource, name } = request;
  const qualified = group === '' ? resource : `${resource}.${group}`;
  const what = name === '' ? qualified : `${qualified} ${quote(name)}`;
  return new StatusError('Forbidden', `${what} is forbidden: ${text}`, {
    details: { ...(name === '' ? {} : { name }), ...(group === '' ? {} : { group }), kind: resource },
  });
}

function quote(text: string): string {
  return JSON.stringify(text);
}
