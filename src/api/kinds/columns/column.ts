import type { KubeObject } from '../../objects.ts';
import type { Column } from '../kind.ts';
import { ageOf } from './human-duration.ts';

type Cell<T> = (object: T, nowMs: number) => string | number;

/** A column that is always shown. `T` is the kind's type: the object has passed its schema. */
export function column<T extends KubeObject>(
  name: string,
  description: string,
  cell: Cell<T>,
  type: Column['type'] = 'string',
): Column {
  return { name, type, description, priority: 0, cell: (object, nowMs) => cell(object as T, nowMs) };
}

/** A column for `-o wide`. */
export function wide<T extends KubeObject>(name: string, description: string, cell: Cell<T>): Column {
  return { ...column(name, description, cell), priority: 1 };
}

export const NAME: Column = {
  ...column('Name', 'Name of the object, unique within its namespace.', ({ metadata }) => metadata?.name ?? ''),
  format: 'name',
};

export const AGE: Column = column('Age', 'Time since the object was created.', ({ metadata }, nowMs) =>
  ageOf(metadata?.creationTimestamp, nowMs),
);

/** Of kinds without a printer of their own (apiserver's default table convertor). */
export const DEFAULT_COLUMNS: readonly Column[] = [
  NAME,
  {
    ...column('Created At', 'When the object was created.', ({ metadata }) => metadata?.creationTimestamp ?? ''),
    type: 'date',
  },
];

/** `a=b,c=d`, sorted; `<none>` when empty. */
export function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? '<none>' : pairs.sort().join(',');
}
