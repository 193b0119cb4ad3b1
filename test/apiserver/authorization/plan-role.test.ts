import t from 'tap';
import type { Role } from '../../../src/api/objects.ts';
import { planRole } from '../../../src/apiserver/authorization/bootstrap/plan-role.ts';
import { allow, AUTOUPDATE, role } from '../../../src/apiserver/authorization/bootstrap/policy.ts';
import { DecisionServer } from '../decision-server.ts';
import { ensurePolicy } from '../../../src/apiserver/authorization/bootstrap/ensure-policy.ts';

const NARROW = [allow('get', 'core', 'secrets', ['one'])];
const WIDE = [allow('get list', 'core', 'secrets')];

void t.test('planRole() adds to upstream’s roles only, and brings Bramble’s own to what the program says', (t) => {
  t.same(planRole(role('a', 'system:x', NARROW), role('a', 'system:x', WIDE)), { action: 'keep' });
  t.match(planRole(role('a', 'bramble:x', NARROW), role('a', 'bramble:x', WIDE)), {
    action: 'update',
    object: { rules: NARROW },
  });
  t.same(planRole(role('a', 'bramble:x', NARROW), role('a', 'bramble:x', NARROW)), { action: 'keep' });
  const kept = role('a', 'bramble:x', WIDE);
  const mine = { ...kept, metadata: { ...kept.metadata, annotations: { [AUTOUPDATE]: 'false' } } };
  t.same(planRole(role('a', 'bramble:x', NARROW), mine), { action: 'keep' }, 'unless an administrator says otherwise');
  t.end();
});

void t.test('ensurePolicy() takes away what earlier versions gave too much of', async (t) => {
  const { registry } = await DecisionServer.start();
  t.teardown(() => registry.close());
  const roles = 'roles.rbac.authorization.k8s.io';
  const old = role('kube-system', 'bramble:leader-election', WIDE);
  await registry.create<Role>(roles, old);

  await ensurePolicy(registry, new AbortController().signal);

  const names = (await registry.list<Role>(roles, 'kube-system')).map(({ metadata }) => metadata?.name);
  t.notOk(names.includes('bramble:leader-election'));
  t.ok(names.includes('bramble:floating-address'));
});
