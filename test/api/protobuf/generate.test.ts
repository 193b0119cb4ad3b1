import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { readFieldNumbers } from '../../../src/api/protobuf/generate.ts';
import { fieldNumbersRow, goStructsOf } from '../../../src/api/protobuf/go-struct.ts';
import type { Definition } from '../../../src/api/schema/definition.ts';

const SOURCE = `package v1

/* type Hidden struct {
	Name string \`json:"name" protobuf:"bytes,9,opt,name=name"\`
}
*/

// A Kettle boils.
type Kettle struct {
	metav1.TypeMeta \`json:",inline"\`
	// +optional
	metav1.ObjectMeta \`json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"\`

	Lid  *Lid \`json:"lid,omitempty" protobuf:"bytes,7,opt,name=lid"\`
	Taps []v1.Tap \`json:"taps,omitempty" patchStrategy:"merge" protobuf:"bytes,2,rep,name=taps"\`
	// Name string \`json:"old" protobuf:"bytes,3,opt,name=old"\`
	Litres int32 \`json:"litres" protobuf:"varint,4,opt,name=litres"\`
	Heat \`json:",inline" protobuf:"bytes,5,opt,name=heat"\`
	Secret string \`json:"-" protobuf:"bytes,6,opt,name=secret"\`
}

type Heat struct {
	Watts map[string]string \`json:"watts,omitempty" protobuf:"bytes,1,rep,name=watts"\`
}

type Lid struct {
	Tight bool \`json:"tight,omitempty" protobuf:"varint,1,opt,name=tight"\`
}

type Odd struct {
	Name string \`json:"name"\`
}

type Colour string
`;

void t.test(
  'fieldNumbersRow() sorts by number, marks embedded messages and the fields whose zero says something',
  (t) => {
    const structs = goStructsOf(SOURCE);

    t.same([...structs.keys()], ['Kettle', 'Heat', 'Lid', 'Odd'], 'no comment, no type that is no struct');
    t.equal(fieldNumbersRow(structs.get('Kettle') ?? []), 'metadata=1 taps=2 litres=4* ~Heat=5 lid=7*');
    t.equal(fieldNumbersRow(structs.get('Odd') ?? []), '', 'no protobuf tags, no row');
    t.end();
  },
);

void t.test(
  'readFieldNumbers() takes what has a definition and what is embedded in it, from released versions',
  (t) => {
    const folder = t.testdir();
    const write = (path: string, text: string): void => {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    };
    write('api/go.mod', '// made up\nmodule k8s.io/api\n\ngo 1.26.0\n');
    write('api/kitchen/v1/types.go', SOURCE);
    write('api/kitchen/v1beta1/types.go', SOURCE);
    write('api/kitchen/v1/zz_generated.deepcopy.go', 'type Kettle struct {\n}\n');
    write('machinery/go.mod', 'module k8s.io/apimachinery\n');
    write('machinery/pkg/apis/meta/v1/types.go', SOURCE);
    write('other/go.mod', 'module k8s.io/client-go\n');
    const object: Definition = { type: 'object' };
    const definitions = {
      'io.k8s.api.kitchen.v1.Kettle': object,
      'io.k8s.api.kitchen.v1.Colour': { type: 'string' },
      'io.k8s.api.kitchen.v1beta1.Kettle': object,
      'io.k8s.apimachinery.pkg.apis.meta.v1.Lid': object,
      'io.k8s.api.kitchen.v1.Odd': object,
    };

    const rows = readFieldNumbers([join(folder, 'machinery'), join(folder, 'api')], definitions);

    t.same(Object.entries(rows), [
      ['io.k8s.api.kitchen.v1.Heat', 'watts=1'],
      ['io.k8s.api.kitchen.v1.Kettle', 'metadata=1 taps=2 litres=4* ~Heat=5 lid=7*'],
      ['io.k8s.apimachinery.pkg.apis.meta.v1.Lid', 'tight=1'],
    ]);
    t.throws(() => readFieldNumbers([join(folder, 'other')], definitions), /"k8s.io\/client-go", not k8s.io\/api or/);
    t.end();
  },
);

// Both were made of Kubernetes 1.36: a field that only one of them has means that one was read wrongly.
void t.test('field-numbers.json numbers the fields that the definitions have, and no others', (t) => {
  const read = (path: string): unknown =>
    JSON.parse(readFileSync(new URL(`../../../src/api/${path}`, import.meta.url), 'utf8'));
  const rows = read('protobuf/field-numbers.json') as Record<string, string>;
  const definitions = read('schema/definitions.json') as Record<string, Definition>;
  const fieldsOf = (message: string): string[] =>
    (rows[message] ?? '').split(' ').flatMap((part) => {
      const name = part.replace(/=.*/, '');
      return name.startsWith('~') ? fieldsOf(`${message.slice(0, message.lastIndexOf('.'))}.${name.slice(1)}`) : [name];
    });
  const typeMeta = new Set(['apiVersion', 'kind']);

  const differences: string[] = [];
  for (const message of Object.keys(rows)) {
    const properties = Object.keys(definitions[message]?.properties ?? {});
    const fields = fieldsOf(message);
    if (properties.length === 0) continue;
    for (const name of properties)
      if (!fields.includes(name) && !typeMeta.has(name)) differences.push(`${message}.${name} has no number`);
    for (const name of fields) if (!properties.includes(name)) differences.push(`${message}.${name} is no field`);
  }

  t.same(differences, []);
  t.ok(Object.keys(rows).length > 500);
  t.end();
});
