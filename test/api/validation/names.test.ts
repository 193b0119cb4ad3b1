import t from 'tap';
import {
  configMapKey,
  dns1123Label,
  dns1123Subdomain,
  labelValue,
  portName,
  qualifiedName,
} from '../../../src/api/validation/names.ts';
import { isCidr, isIp } from '../../../src/api/validation/ip.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../../src/api/validation/object-meta.ts';

void t.test('forms of names: what passes and what does not', (t) => {
  const table: readonly (readonly [(value: string) => string[], readonly string[], readonly string[]])[] = [
    [dns1123Label, ['a', 'a-b', '1', 'a'.repeat(63)], ['', 'A', '-a', 'a.b', 'a'.repeat(64)]],
    [dns1123Subdomain, ['a.b', 'a'], ['', 'a..b', 'A', 'a'.repeat(254)]],
    [qualifiedName, ['a', 'a.b/C_d', 'A'], ['', '/a', 'a/', 'a/b/c', 'a b']],
    [labelValue, ['', 'a', 'A.b_c-d'], ['-', 'a b', 'a'.repeat(64)]],
    [configMapKey, ['a', '.a', 'A_b-c'], ['', '.', '..', '..a', 'a/b']],
    [portName, ['http', 'a-1'], ['', '80', 'a--b', '-a', 'sixteen-letters-']],
  ];
  for (const [check, good, bad] of table) {
    for (const value of good) t.same(check(value), [], `${check.name} takes "${value}"`);
    for (const value of bad) t.not(check(value).length, 0, `${check.name} refuses "${value}"`);
  }
  t.end();
});

void t.test('isIp() and isCidr() know addresses', (t) => {
  for (const good of ['0.0.0.0', '255.255.255.255', '::', '::1', 'fe80::1', '::ffff:1.2.3.4', '1:2:3:4:5:6:7:8'])
    t.ok(isIp(good), good);
  for (const bad of ['', '1.2.3', '01.2.3.4', '256.1.1.1', ':::', '1:2:3:4:5:6:7', '1::2::3', 'g::'])
    t.notOk(isIp(bad), bad);
  t.ok(isCidr('2001:db8::/64'));
  t.ok(isCidr('10.96.0.0/12'));
  t.notOk(isCidr('10.96.0.0/33'));
  t.end();
});

void t.test('validateObjectMeta() asks for a name, and bounds annotations', (t) => {
  const rules = { namespaced: true, name: dns1123Subdomain };
  const fields = (meta: object): string[] => validateObjectMeta(meta, rules).map(({ field }) => field);
  t.same(fields({ name: 'a', namespace: 'b' }), []);
  t.same(fields({ name: 'a', generateName: 'a-', namespace: 'b' }), [], 'a prefix may end with a hyphen');
  t.same(fields({ namespace: 'b' }), ['metadata.name']);
  t.same(fields({ name: 'a', namespace: 'b', annotations: { big: 'x'.repeat(256 * 1024) } }), ['metadata.annotations']);
  t.same(fields({ name: 'a', namespace: 'b', finalizers: ['mine'] }), ['metadata.finalizers[0]']);
  const owner = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u', controller: true };
  t.same(fields({ name: 'a', namespace: 'b', ownerReferences: [owner, { ...owner, uid: 'v' }] }), [
    'metadata.ownerReferences',
  ]);
  t.end();
});

void t.test('validateObjectMetaUpdate() takes no new finalizer for what is being deleted', (t) => {
  const old = { name: 'a', deletionTimestamp: '2026-01-01T00:00:00Z', resourceVersion: '1', finalizers: ['a.b/c'] };
  t.same(validateObjectMetaUpdate({ ...old, finalizers: [] }, old), []);
  t.match(validateObjectMetaUpdate({ ...old, finalizers: ['a.b/c', 'a.b/d'] }, old), [
    { field: 'metadata.finalizers', message: /no new finalizers can be added if the object is being deleted/ },
  ]);
  t.end();
});
