import t from 'tap';
import { KINDS } from '../../../src/api/kinds/rows.ts';
import type { AdmissionAttributes } from '../../../src/apiserver/admission/admission.ts';
import { nodeRestriction } from '../../../src/apiserver/admission/node-restriction.ts';

/** A kubelet's create of an object of its own name or another's: what a request's path does not show. */
async function create(plural: string, namespace: string, name: string): Promise<string> {
  const kind = KINDS.find((one) => one.plural === plural);
  if (kind === undefined) throw new Error(plural);
  if (!nodeRestriction.handles('CREATE', kind, '')) return 'not looked at';
  const user = { name: 'system:node:w1', uid: '', groups: ['system:nodes'], extra: {} };
  const attributes = { operation: 'CREATE', kind, subresource: '', namespace, name, object: {}, user };
  return Promise.resolve(
    nodeRestriction.mutate?.(attributes as unknown as AdmissionAttributes, new AbortController().signal),
  ).then(
    () => 'allowed',
    (error: Error) => error.message,
  );
}

void t.test('NodeRestriction: a node makes Lease and CSINode of its own name only', async (t) => {
  t.equal(await create('leases', 'kube-node-lease', 'w1'), 'allowed');
  t.match(await create('leases', 'kube-node-lease', 'w2'), /can only access node lease with the same name/);
  t.match(await create('leases', 'kube-system', 'w1'), /can only access leases in the "kube-node-lease"/);
  t.equal(await create('csinodes', '', 'w1'), 'allowed');
  t.match(await create('csinodes', '', 'w2'), /can only access CSINode with the same name as the requesting node/);
});
