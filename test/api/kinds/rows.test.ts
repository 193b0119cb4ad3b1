import { readFileSync } from 'node:fs';
import t from 'tap';
import { apiVersionOf, qualifiedResource } from '../../../src/api/kinds/kind.ts';
import { GROUP_ORDER, KINDS } from '../../../src/api/kinds/rows.ts';
import { loadDefinitions } from '../../../src/api/schema/load.ts';

const definitions = loadDefinitions();

void t.test('KINDS: every row has a schema of its own group, version and kind', (t) => {
  for (const row of KINDS) {
    const { group, version, kind } = row;
    t.match(
      definitions[row.definition]?.['x-kubernetes-group-version-kind'],
      [{ group, version, kind }],
      `${apiVersionOf(row)} ${kind}`,
    );
  }
  t.end();
});

void t.test('KINDS: no two rows are served or stored in one place', (t) => {
  const places = new Set<string>();
  for (const row of KINDS) {
    const own = [qualifiedResource(row)];
    if (row.storedAs === undefined && row.storagePrefix !== '') own.push(`/registry/${row.storagePrefix}/`);
    for (const place of own) {
      t.notOk(places.has(place), place);
      places.add(place);
    }
  }
  t.end();
});

void t.test('KINDS: what discovery says of a row can be kept', (t) => {
  for (const row of KINDS) {
    t.ok(GROUP_ORDER.includes(row.group), `${row.kind}: its group has a place in discovery`);
    const isStored = row.storagePrefix !== '';
    t.equal(row.verbs.includes('get'), isStored, `${row.kind} is read only where it is stored`);
    for (const { name, kind, group = row.group, version = row.version } of row.subresources) {
      const isOptions = kind.endsWith('Options');
      const known = Object.values(definitions).some((definition) =>
        definition['x-kubernetes-group-version-kind']?.some(
          (one) => one.kind === kind && one.group === group && one.version === version,
        ),
      );
      t.ok(isOptions || known, `${row.kind}/${name} has a ${kind}`);
    }
  }
  t.end();
});

void t.test('src/client/resources.ts names no kind that rows.ts could name', (t) => {
  const text = readFileSync(new URL('../../../src/client/resources.ts', import.meta.url), 'utf8');
  for (const { plural } of KINDS) t.notMatch(text, `plural: '${plural}'`);
  t.end();
});
