import { applyDefaults } from '../../api/defaults/apply-defaults.ts';
import { definitionOf } from '../../api/kinds/definition-name.ts';
import { qualifiedKind } from '../../api/kinds/kind.ts';
import { splitApiVersion } from '../../api/kinds/kind-table.ts';
import { decodeEnvelope, ObjectDecoder, PROTOBUF_PREFIX } from '../../api/protobuf/decode-object.ts';
import { FieldNumbers } from '../../api/protobuf/field-numbers.ts';
import { builtInDecoder } from '../../api/schema/load.ts';
import { Shapes } from '../../api/schema/shape.ts';
import { storedText } from './object-text.ts';

/** A kind that is only stored and never served, so that the published schemas lack it. */
const RANGE_ALLOCATION = definitionOf({ group: '', version: 'v1', kind: 'RangeAllocation' });

/**
 * The text of a value as the store has it: ours are JSON; kube-apiserver writes built-in kinds as protobuf, and what it has
 * written here before, or writes beside us, is read as the same text.
 * @throws WireError for protobuf that is damaged, or of a kind that is not known
 */
export function valueText(value: Buffer): string {
  if (!PROTOBUF_PREFIX.every((byte, i) => value[i] === byte)) return value.toString();
  const { apiVersion, kind, raw } = decodeEnvelope(value);
  const [group, version] = splitApiVersion(apiVersion);
  const definition = definitionOf({ group, version, kind });
  const decoder = definition === RANGE_ALLOCATION ? rangeDecoder() : builtInDecoder();
  const object = { kind, apiVersion, ...decoder.decode(definition, raw) };
  // Upstream does so whenever it decodes; protobuf does not tell an empty `status` from none.
  applyDefaults(qualifiedKind({ kind, group }), object);
  return storedText(object);
}

function rangeDecoder(): ObjectDecoder {
  const properties = { range: { type: 'string' }, data: { type: 'string', format: 'byte' } };
  return new ObjectDecoder(
    new FieldNumbers({ [RANGE_ALLOCATION]: 'range=2 data=3' }),
    new Shapes({ [RANGE_ALLOCATION]: { type: 'object', properties } }),
  );
}
