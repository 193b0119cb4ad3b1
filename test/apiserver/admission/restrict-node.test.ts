import t from 'tap';
import type { Node, UnknownObject } from '../../../src/api/objects.ts';
import type { AdmissionAttributes } from '../../../src/apiserver/admission/admission.ts';
import { restrictNode } from '../../../src/apiserver/admission/restrict-node.ts';

const w1 = (spec: Node['spec'], name = 'w1'): Node => ({ apiVersion: 'v1', kind: 'Node', metadata: { name }, spec });

/** What the kubelet of w1 asks for. */
function asked(
  object: Node | null,
  oldObject: Node | null,
  operation = oldObject === null ? 'CREATE' : 'UPDATE',
): void {
  const attributes = {
    operation,
    subresource: '',
    name: (object ?? oldObject)?.metadata?.name ?? '',
    object: object as UnknownObject | null,
    oldObject: oldObject as UnknownObject | null,
    user: { name: 'system:node:w1', uid: '', groups: ['system:nodes'], extra: {} },
    warn: () => undefined,
  };
  restrictNode(attributes as unknown as AdmissionAttributes, 'w1');
}

void t.test('restrictNode() lets a kubelet register and update its own Node, and no other', (t) => {
  t.doesNotThrow(() => asked(w1({ taints: [{ key: 'a', effect: 'NoSchedule' }] }), null));
  t.doesNotThrow(() => asked(w1({ podCIDR: '10.244.1.0/24' }), w1({ podCIDR: '10.244.1.0/24' })));
  t.throws(() => asked(w1({}, 'w2'), null), /not allowed to modify node "w2"/);
  t.throws(() => asked(null, w1({}), 'DELETE'), /not allowed to delete itself/);
  t.throws(() => asked(w1({}), w1({ taints: [{ key: 'a', effect: 'NoSchedule' }] })), /not allowed to modify taints/);
  t.end();
});

// All boards put a route to each Node's prefix: 0.0.0.0/0 would be everything that they send.
void t.test('restrictNode() lets no kubelet choose its pod network', (t) => {
  const why = /not allowed to set its pod network/;
  t.throws(() => asked(w1({ podCIDR: '0.0.0.0/0', podCIDRs: ['0.0.0.0/0'] }), null), why);
  t.throws(() => asked(w1({ podCIDRs: ['10.244.2.0/24'] }), w1({})), why);
  t.throws(() => asked(w1({}), w1({ podCIDR: '10.244.1.0/24' })), why);
  t.end();
});
