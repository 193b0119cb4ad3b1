import { errorText } from '../../api/error-text.ts';
import { forbiddenField, invalidObject, notSupported, type FieldError } from '../../api/field-error.ts';
import { parseLabelSelector } from '../../api/label-selector-parser.ts';
import { parseFieldSelector, type Selector } from '../../api/selector.ts';
import { badRequest, StatusError } from '../../api/status.ts';
import { isTrue } from '../request-info.ts';
import type { KindView } from './kind-view.ts';

/** meta/v1 ListOptions as a request carries them. */
export interface ListParameters {
  readonly labels: Selector;
  /** Without metadata.name and metadata.namespace when they ask for one value: those are `name` and `fieldNamespace`. */
  readonly fields: Selector;
  /** The one name asked for by the field selector, else empty. */
  readonly name: string;
  /** 0: no limit. */
  readonly limit: number;
  readonly continueToken: string;
  /** undefined: not given. */
  readonly resourceVersion: number | undefined;
  readonly match: 'Exact' | 'NotOlderThan' | undefined;
  readonly allowWatchBookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
  /** 0: not given. */
  readonly timeoutSeconds: number;
}

/** Reads and checks the options of a list, watch or deletecollection. @throws StatusError BadRequest, Invalid */
export function listParameters(query: URLSearchParams, view: KindView, isWatch: boolean): ListParameters {
  const revisionText = query.get('resourceVersion') ?? '';
  const initial = query.get('sendInitialEvents');
  const sendInitialEvents = initial === null ? undefined : isTrue(initial);
  const errors = isWatch ? watchErrors(query, sendInitialEvents) : listErrors(query, revisionText, sendInitialEvents);
  if (errors.length > 0) throw invalidObject('ListOptions.meta.k8s.io', '', errors);
  const fields = parseFieldSelector(query.get('fieldSelector') ?? '');
  checkFields(fields, view);
  const isName = ({ key, operator }: Selector[number]): boolean => key === 'metadata.name' && operator === 'In';
  const [named] = fields.filter(isName);
  return {
    labels: parseLabelSelector(query.get('labelSelector') ?? ''),
    fields: named === undefined ? fields : fields.filter((one) => one !== named),
    name: named?.values[0] ?? '',
    limit: integer(query, 'limit'),
    continueToken: query.get('continue') ?? '',
    resourceVersion:
      revisionText === '' ? undefined : isWatch ? parseRevision(revisionText) : parseListRevision(revisionText),
    match: (query.get('resourceVersionMatch') || undefined) as ListParameters['match'],
    allowWatchBookmarks: isTrue(query.get('allowWatchBookmarks')),
    sendInitialEvents,
    timeoutSeconds: integer(query, 'timeoutSeconds'),
  };
}

/** @throws StatusError Unknown, as upstream answers it for a GET and a watch */
export function parseRevision(text: string): number {
  const revision = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(revision)) return revision;
  const why = `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`;
  throw new StatusError('Unknown', `resourceVersion: Invalid value: ${JSON.stringify(text)}: ${why}`);
}

/** The same for a list. @throws StatusError BadRequest */
function parseListRevision(text: string): number {
  try {
    return parseRevision(text);
  } catch (error) {
    throw badRequest(`invalid resource version: ${errorText(error)}`);
  }
}

function integer(query: URLSearchParams, name: string): number {
  const text = query.get(name) ?? '';
  if (text === '') return 0;
  const isNumber = /^-?\d+$/.test(text);
  if (isNumber && Number.isSafeInteger(Number(text))) return Math.max(0, Number(text));
  throw badRequest(
    `strconv.ParseInt: parsing ${JSON.stringify(text)}: ${isNumber ? 'value out of range' : 'invalid syntax'}`,
  );
}

const MATCH = 'resourceVersionMatch';

/** The rules of resourceVersionMatch and sendInitialEvents for lists (apimachinery ValidateListOptions). */
function listErrors(
  query: URLSearchParams,
  resourceVersion: string,
  sendInitialEvents: boolean | undefined,
): FieldError[] {
  const match = query.get(MATCH) ?? '';
  const errors: FieldError[] = [];
  if (match !== '') {
    if (resourceVersion === '')
      errors.push(forbiddenField(MATCH, 'resourceVersionMatch is forbidden unless resourceVersion is provided'));
    if (query.get('continue'))
      errors.push(forbiddenField(MATCH, 'resourceVersionMatch is forbidden when continue is provided'));
    if (match !== 'Exact' && match !== 'NotOlderThan')
      errors.push(notSupported(MATCH, match, ['Exact', 'NotOlderThan', ''], 'given'));
    if (match === 'Exact' && resourceVersion === '0')
      errors.push(forbiddenField(MATCH, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
  }
  if (sendInitialEvents !== undefined)
    errors.push(forbiddenField('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  return errors;
}

/** The same for watches (validateWatchOptions). */
function watchErrors(query: URLSearchParams, sendInitialEvents: boolean | undefined): FieldError[] {
  const match = query.get(MATCH) ?? '';
  const errors: FieldError[] = [];
  if (sendInitialEvents !== undefined && match !== 'NotOlderThan')
    errors.push(forbiddenField(MATCH, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'));
  if (match === '') return errors;
  if (sendInitialEvents === undefined)
    errors.push(
      forbiddenField(MATCH, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'),
    );
  if (match !== 'NotOlderThan') errors.push(notSupported(MATCH, match, ['NotOlderThan']));
  if (query.get('continue'))
    errors.push(forbiddenField(MATCH, 'resourceVersionMatch is forbidden when continue is provided'));
  return errors;
}

function checkFields(fields: Selector, { kind }: KindView): void {
  for (const { key } of fields) {
    if (key === 'metadata.name' || (key === 'metadata.namespace' && kind.namespaced)) continue;
    if (kind.selectableFields.includes(key)) continue;
    throw badRequest(
      kind.selectableFields.length > 0
        ? `field label not supported: ${key}`
        : `"${key}" is not a known field selector: only "metadata.name", "metadata.namespace"`,
    );
  }
}
