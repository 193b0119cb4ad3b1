import type { FieldError } from '../field-error.ts';
import { forbiddenField, invalid, required } from '../field-error.ts';
import type { LabelSelector } from '../objects.ts';
import { labelValue, qualifiedName } from './names.ts';
import { validateLabels } from './object-meta.ts';

/** A selector over labels (apimachinery meta/v1/validation, ValidateLabelSelector). */
export function validateLabelSelector(selector: LabelSelector | undefined, path: string): FieldError[] {
  if (selector === undefined) return [];
  const errors = validateLabels(selector.matchLabels, `${path}.matchLabels`);
  for (const [i, { key, operator, values }] of (selector.matchExpressions ?? []).entries()) {
    const at = `${path}.matchExpressions[${i}]`;
    switch (operator) {
      case 'In':
      case 'NotIn':
        if ((values ?? []).length === 0)
          errors.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
        break;
      case 'Exists':
      case 'DoesNotExist':
        if ((values ?? []).length > 0)
          errors.push(
            forbiddenField(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
          );
        break;
      default:
        errors.push(invalid(`${at}.operator`, operator, 'not a valid selector operator'));
    }
    errors.push(...qualifiedName(key ?? '').map((why) => invalid(`${at}.key`, key ?? '', why)));
    for (const [j, value] of (values ?? []).entries())
      errors.push(...labelValue(value).map((why) => invalid(`${at}.values[${j}]`, value, why)));
  }
  return errors;
}
