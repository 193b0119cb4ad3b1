import type { UnknownObject } from '../../api/objects.ts';
import { columnsOf } from '../../api/kinds/columns/columns-of.ts';
import { packageOf } from '../../api/kinds/definition-name.ts';
import { StatusError } from '../../api/status.ts';
import { formatYaml, sortedKeys } from '../../api/yaml.ts';
import type { KindView } from '../registry/kind-view.ts';
import type { ObjectList } from '../registry/list-objects.ts';
import type { CachedObject } from '../storage/cached-object.ts';
import type { ResponseFormat } from './response-format.ts';

interface EncoderOptions {
  readonly view: KindView;
  readonly format: ResponseFormat;
  /** `None`, `Metadata` or `Object`: what a Table carries beside the cells. */
  readonly includeObject: string;
  readonly nowMs: () => number;
}

/** Writes objects, lists and watch events in the form that a client asked for, as JSON text. */
export class ObjectEncoder {
  readonly #options: EncoderOptions;
  /** Names this form: events may share bytes among watchers with equal keys. Null: they may not (ages in a Table). */
  readonly key: string | null;

  constructor(options: EncoderOptions) {
    const { format, includeObject, view } = options;
    if (format.as === 'Table' && !['', 'None', 'Metadata', 'Object'].includes(includeObject))
      throw new StatusError(
        'BadRequest',
        `Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(includeObject)}: must be 'Metadata', 'Object', 'None', or empty`,
      );
    this.#options = options;
    this.key = format.as === 'Table' ? null : `${view.apiVersion}/${format.as}/${format.version}`;
  }

  /** An object that is not in the cache's form: what a write has made. @throws StatusError NotAcceptable */
  object(object: UnknownObject): string {
    const { format } = this.#options;
    if (format.as === 'PartialObjectMetadataList') throw this.#notAcceptable('not a list', '');
    switch (format.as) {
      case 'object':
        return JSON.stringify(object);
      case 'Table':
        return JSON.stringify(this.#table([object], metadataOf(object), true));
      default:
        return JSON.stringify(this.#partial(object));
    }
  }

  cached(object: CachedObject): string {
    const { format, view } = this.#options;
    if (format.as === 'object' && view.isStoredForm) return object.wire();
    return this.object(view.fromStored(object.parse()));
  }

  list({ items, revision, continueToken, remainingItemCount }: ObjectList): string {
    const { format, view } = this.#options;
    const metadata = {
      resourceVersion: String(revision),
      ...(continueToken === '' ? {} : { continue: continueToken }),
      ...(remainingItemCount === undefined ? {} : { remainingItemCount }),
    };
    const parsed = (): UnknownObject[] => items.map((item) => view.fromStored(item.parse()));
    if (format.as === 'PartialObjectMetadata') throw this.#notAcceptable('a list', 'List');
    switch (format.as) {
      case 'object': {
        const head = JSON.stringify({ kind: `${view.kind.kind}List`, apiVersion: view.apiVersion, metadata });
        return `${head.slice(0, -1)},"items":[${items.map((item) => this.#item(item)).join(',')}]}`;
      }
      case 'Table':
        return JSON.stringify(this.#table(parsed(), metadata, true));
      default: {
        const apiVersion = `meta.k8s.io/${format.version}`;
        const partial = parsed().map((object) => this.#partial(object));
        return JSON.stringify({ kind: 'PartialObjectMetadataList', apiVersion, metadata, items: partial });
      }
    }
  }

  #item(object: CachedObject): string {
    const { view } = this.#options;
    if (view.isStoredForm) return object.item();
    const { kind: _kind, apiVersion: _version, ...item } = view.fromStored(object.parse());
    return JSON.stringify(item);
  }

  /** One event of a watch with its line end. Of a Table only the first event names the columns. */
  event(type: string, object: CachedObject, isFirst: boolean): string {
    const { format, view } = this.#options;
    if (format.as !== 'Table') return eventLine(type, this.cached(object));
    const parsed = view.fromStored(object.parse());
    return eventLine(type, JSON.stringify(this.#table([parsed], metadataOf(parsed), isFirst)));
  }

  bookmark(revision: number, annotations?: Readonly<Record<string, string>>): string {
    const { format, view } = this.#options;
    const metadata = {
      resourceVersion: String(revision),
      creationTimestamp: null,
      ...(annotations === undefined ? {} : { annotations }),
    };
    if (format.as === 'Table') {
      const carrier: UnknownObject = { kind: view.kind.kind, apiVersion: view.apiVersion };
      const rows = [{ cells: [], object: { ...carrier, metadata } }];
      return eventLine(
        'BOOKMARK',
        JSON.stringify({
          kind: 'Table',
          apiVersion: `meta.k8s.io/${format.version}`,
          metadata,
          columnDefinitions: [],
          rows,
        }),
      );
    }
    const own =
      format.as === 'object'
        ? { kind: view.kind.kind, apiVersion: view.apiVersion }
        : { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${format.version}` };
    return eventLine('BOOKMARK', JSON.stringify({ ...own, metadata }));
  }

  #notAcceptable(what: string, suffix: string): StatusError {
    const { format, view } = this.#options;
    const type = `*${packageOf(view.kind.group)}.${view.kind.kind}${suffix}`;
    return new StatusError(
      'NotAcceptable',
      `you requested ${format.as}, but the requested object is ${what} (${type})`,
    );
  }

  #partial({ metadata }: UnknownObject): object {
    return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${this.#options.format.version}`, metadata };
  }

  #table(objects: readonly UnknownObject[], metadata: object, hasColumns: boolean): object {
    const { format, view, nowMs, includeObject } = this.#options;
    const columns = columnsOf(view.kind);
    const now = nowMs();
    return {
      kind: 'Table',
      apiVersion: `meta.k8s.io/${format.version}`,
      metadata,
      columnDefinitions: hasColumns
        ? columns.map(({ name, type, format: form = '', description, priority }) => ({
            name,
            type,
            format: form,
            description,
            priority,
          }))
        : null,
      rows: objects.map((object) => ({
        cells: columns.map(({ cell }) => cell(object, now)),
        ...(includeObject === 'None' ? {} : { object: includeObject === 'Object' ? object : this.#partial(object) }),
      })),
    };
  }
}

function metadataOf(object: UnknownObject): object {
  return { resourceVersion: object.metadata?.resourceVersion ?? '' };
}

function eventLine(type: string, object: string): string {
  return `{"type":"${type}","object":${object}}\n`;
}

/** JSON text in the encoding that was asked for. */
export function inEncoding(json: string, { encoding, isPretty }: ResponseFormat): string {
  if (encoding === 'yaml') return formatYaml(sortedKeys(JSON.parse(json)));
  return isPretty ? `${JSON.stringify(JSON.parse(json), null, 2)}\n` : json;
}
