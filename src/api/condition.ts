/** An object whose status says of itself what is so: Pod, Node, Deployment, CertificateSigningRequest, ... */
interface WithConditions<T> {
  readonly status?: { readonly conditions?: readonly T[] };
}

/** The condition of that type; undefined while nobody has said anything about it. */
export function conditionOf<T extends { readonly type: string }>(
  object: WithConditions<T>,
  type: string,
): T | undefined {
  return object.status?.conditions?.find((condition) => condition.type === type);
}

/** Whether the condition is said to be so; neither `False` nor `Unknown` is. */
export function isConditionTrue(
  object: WithConditions<{ readonly type: string; readonly status: string }>,
  type: string,
): boolean {
  return conditionOf(object, type)?.status === 'True';
}
