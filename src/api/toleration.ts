import type { Taint, Toleration } from './objects.ts';

/** Whether a pod with this toleration may ignore the taint (core/v1 Toleration.ToleratesTaint). */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  // An empty effect, which the types do not know, means every effect.
  const { key = '', operator = 'Equal', value = '', effect = '' } = toleration;
  if (effect !== '' && effect !== taint.effect) return false;
  if (key !== '' && key !== taint.key) return false;
  if (operator === 'Exists') return true;
  return operator === 'Equal' && key !== '' && value === (taint.value ?? '');
}

/** Whether one of the tolerations is of the taint. */
export function isTolerated(taint: Taint, tolerations: readonly Toleration[] | undefined): boolean {
  return (tolerations ?? []).some((toleration) => tolerates(toleration, taint));
}

/** The first taint that keeps new pods away and is not tolerated. */
export function untoleratedTaint(
  taints: readonly Taint[] | undefined,
  tolerations: readonly Toleration[] | undefined,
): Taint | undefined {
  return taints?.find((taint) => {
    if (taint.effect !== 'NoSchedule' && taint.effect !== 'NoExecute') return false;
    return !isTolerated(taint, tolerations);
  });
}
