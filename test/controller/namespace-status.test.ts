import t from 'tap';
import { conditionsFor, type Emptied, isEmpty } from '../../src/controller/namespace-status.ts';

const CLEAN: Emptied = { left: [], discovery: new Map(), unreadable: [], failures: [] };
const NOW_MS = Date.parse('2026-01-02T03:04:05Z');

/** `type reason: message` of the conditions that are true. */
function troubles(emptied: Partial<Emptied>): string[] {
  return conditionsFor({ ...CLEAN, ...emptied }, [], NOW_MS).flatMap(({ type, status, reason, message }) =>
    status === 'True' ? [`${type} ${reason}: ${message}`] : [],
  );
}

// Types, reasons and texts: namespace/deletion/status_condition_utils.go, v1.36.
void t.test('conditionsFor() of a namespace with nothing in it has all five conditions false', (t) => {
  t.same(
    conditionsFor(CLEAN, [], NOW_MS).map(({ type, status, reason, message }) => [type, status, reason, message]),
    [
      ['NamespaceDeletionDiscoveryFailure', 'False', 'ResourcesDiscovered', 'All resources successfully discovered'],
      [
        'NamespaceDeletionGroupVersionParsingFailure',
        'False',
        'ParsedGroupVersions',
        'All legacy kube types successfully parsed',
      ],
      [
        'NamespaceDeletionContentFailure',
        'False',
        'ContentDeleted',
        'All content successfully deleted, may be waiting on finalization',
      ],
      ['NamespaceContentRemaining', 'False', 'ContentRemoved', 'All content successfully removed'],
      ['NamespaceFinalizersRemaining', 'False', 'ContentHasNoFinalizers', 'All content-preserving finalizers finished'],
    ],
  );
  t.ok(isEmpty(CLEAN));
  t.end();
});

void t.test(
  'conditionsFor() says in upstream words what went wrong and what is left; then the namespace stays',
  (t) => {
    const cases: readonly [Partial<Emptied>, string[]][] = [
      [
        {
          discovery: new Map([
            ['metrics.k8s.io/v1beta1', 'the server is currently unable to handle the request'],
            ['a.io/v1', 'no'],
          ]),
        },
        [
          'NamespaceDeletionDiscoveryFailure DiscoveryFailed: Discovery failed for some groups, 2 failing: ' +
            'unable to retrieve the complete list of server APIs: a.io/v1: no, ' +
            'metrics.k8s.io/v1beta1: the server is currently unable to handle the request',
        ],
      ],
      [{ discovery: 'no answer' }, ['NamespaceDeletionDiscoveryFailure DiscoveryFailed: no answer']],
      [
        { unreadable: ['a/b/c'] },
        [
          'NamespaceDeletionGroupVersionParsingFailure GroupVersionParsingFailed: unexpected GroupVersion string: a/b/c',
        ],
      ],
      [
        { failures: ['secrets is forbidden', 'conversion webhook failed'] },
        [
          'NamespaceDeletionContentFailure ContentDeletionFailed: Failed to delete all resource types, 2 remaining: ' +
            'conversion webhook failed, secrets is forbidden',
        ],
      ],
      [
        {
          left: [
            { resource: 'pods.', count: 2, finalizers: [] },
            { resource: 'deployments.apps', count: 1, finalizers: ['a.io/x', 'a.io/y'] },
            { resource: 'configmaps.', count: 1, finalizers: ['a.io/x'] },
          ],
        },
        [
          'NamespaceContentRemaining SomeResourcesRemain: Some resources are remaining: ' +
            'configmaps. has 1 resource instances, deployments.apps has 1 resource instances, pods. has 2 resource instances',
          'NamespaceFinalizersRemaining SomeFinalizersRemain: Some content in the namespace has finalizers remaining: ' +
            'a.io/x in 2 resource instances, a.io/y in 1 resource instances',
        ],
      ],
    ];
    for (const [emptied, expected] of cases) {
      t.same(troubles(emptied), expected);
      t.notOk(isEmpty({ ...CLEAN, ...emptied }));
    }
    t.end();
  },
);

void t.test('conditionsFor() keeps the time of what has not changed, and conditions of others', (t) => {
  const others = { type: 'Mine', status: 'True', lastTransitionTime: '2020-01-01T00:00:00Z' };
  const first = conditionsFor({ ...CLEAN, discovery: 'no answer' }, [others], NOW_MS);
  const later = conditionsFor(CLEAN, first, NOW_MS + 60_000);
  t.same(later[0], others);
  const timeOf = (type: string) => later.find((one) => one.type === type)?.lastTransitionTime;
  t.equal(timeOf('NamespaceDeletionDiscoveryFailure'), '2026-01-02T03:05:05Z');
  t.equal(timeOf('NamespaceContentRemaining'), '2026-01-02T03:04:05Z');
  t.end();
});
