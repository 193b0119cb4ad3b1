import type { ClusterRoleBinding, Role } from '../../api/objects.ts';
import { pathSegmentName } from '../../api/validation/names.ts';
import { validateBinding, validateBindingUpdate, validateRole } from '../../api/validation/rbac.ts';
import type { Strategy } from '../registry/strategy.ts';

/** Roles and ClusterRoles. Whether somebody may grant what is in them is for the admission plugin RbacEscalation. */
export function roleStrategy(isNamespaced: boolean): Strategy {
  return {
    validateName: (name) => pathSegmentName(name),
    allowCreateOnUpdate: true,
    validate: (object) => validateRole(object as Role, isNamespaced),
  };
}

/** RoleBindings and ClusterRoleBindings. */
export function bindingStrategy(isNamespaced: boolean): Strategy {
  return {
    validateName: (name) => pathSegmentName(name),
    allowCreateOnUpdate: true,
    validate: (object) => validateBinding(object as unknown as ClusterRoleBinding, isNamespaced),
    validateUpdate: (object, old) =>
      validateBindingUpdate(object as unknown as ClusterRoleBinding, old as unknown as ClusterRoleBinding),
  };
}
