import { definitionOf } from '../../api/kinds/definition-name.ts';
import { splitApiVersion } from '../../api/kinds/kind-table.ts';
import { decodeEnvelope, PROTOBUF_PREFIX } from '../../api/protobuf/decode-object.ts';
import { builtInDecoder } from '../../api/schema/load.ts';
import { storedText } from './object-text.ts';

/**
 * The text of a value as the store has it: ours are JSON; kube-apiserver writes built-in kinds as protobuf, and what it has
 * written here before, or writes beside us, is read as the same text.
 * @throws WireError for protobuf that is damaged, or of a kind that is not known
 */
export function valueText(value: Buffer): string {
  if (!PROTOBUF_PREFIX.every((byte, i) => value[i] === byte)) return value.toString();
  const { apiVersion, kind, raw } = decodeEnvelope(value);
  const [group, version] = splitApiVersion(apiVersion);
  return storedText({ kind, apiVersion, ...builtInDecoder().decode(definitionOf({ group, version, kind }), raw) });
}
