import { readFileSync } from 'node:fs';
import type { Definitions } from './definition.ts';
import { FieldNumbers } from '../protobuf/field-numbers.ts';
import { ObjectDecoder } from '../protobuf/decode-object.ts';
import { Shapes } from './shape.ts';

const NUMBERS = new URL('../protobuf/field-numbers.json', import.meta.url);
const FILE = new URL('definitions.json', import.meta.url);

/** All definitions with their descriptions: some megabytes, so whoever asks for them should not keep them. */
export function loadDefinitions(): Definitions {
  return JSON.parse(readFileSync(FILE, 'utf8')) as Definitions;
}

let shapes: Shapes | undefined;

/** The structure of the built-in kinds; read on first use, then kept. */
export function builtInShapes(): Shapes {
  shapes ??= new Shapes(loadDefinitions());
  return shapes;
}

let decoder: ObjectDecoder | undefined;

/** Reads the built-in kinds' protobuf form; made on first use, then kept. */
export function builtInDecoder(): ObjectDecoder {
  decoder ??= new ObjectDecoder(
    new FieldNumbers(JSON.parse(readFileSync(NUMBERS, 'utf8')) as Record<string, string>),
    builtInShapes(),
  );
  return decoder;
}
