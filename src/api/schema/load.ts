import { readFileSync } from 'node:fs';
import type { Definitions } from './definition.ts';
import { Shapes } from './shape.ts';

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
