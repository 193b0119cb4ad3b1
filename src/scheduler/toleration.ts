import type { Taint, Toleration } from '../api/objects.ts';

/** Whether a pod with these tolerations may ignore the taint (core/v1 Toleration.ToleratesTaint). */
export function isTolerated(taint: Taint, tolerations: readonly Toleration[] | undefined): boolean {
  return (tolerations ?? []).some((toleration) => tolerates(toleration, taint));
}

function tolerates({ key = '', operator = 'Equal', value = '', effect }: Toleration, taint: Taint): boolean {
  if (hasEffect(effect) && effect !== taint.effect) return false;
  if (key !== '' && key !== taint.key) return false;
  if (operator === 'Exists') return true;
  return operator === 'Equal' && key !== '' && value === (taint.value ?? '');
}

/** The first taint that keeps new pods away and is not tolerated. */
export function untoleratedTaint(
  taints: readonly Taint[] | undefined,
  tolerations: readonly Toleration[] | undefined,
): Taint | undefined {
  return taints?.find(({ effect, ...rest }) => {
    if (effect !== 'NoSchedule' && effect !== 'NoExecute') return false;
    return !isTolerated({ effect, ...rest }, tolerations);
  });
}

/** An empty effect, which the types do not know, means every effect. */
function hasEffect(effect: string | undefined): boolean {
  return effect !== undefined && effect !== '';
}
