import { StatusError } from '../../api/status.ts';

/** How an answer is to be written. */
export interface ResponseFormat {
  readonly encoding: 'json' | 'yaml';
  readonly as: 'object' | 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList';
  /** Version of meta.k8s.io of a Table or PartialObjectMetadata. */
  readonly version: 'v1' | 'v1beta1';
  readonly isPretty: boolean;
}

export const JSON_FORMAT: ResponseFormat = { encoding: 'json', as: 'object', version: 'v1', isPretty: false };

const CONTENT_TYPES = { json: 'application/json', yaml: 'application/yaml' } as const;
const OFFERED = Object.values(CONTENT_TYPES).join(', ');
const TRANSFORMS = new Set(['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList']);

interface Clause {
  readonly mediaType: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

/**
 * The first form of the Accept header that can be given (apiserver negotiation.NegotiateMediaTypeOptions).
 * @param hasTransforms whether Table and PartialObjectMetadata make sense for this resource
 * @throws StatusError NotAcceptable
 */
export function negotiate(
  accept: string | undefined,
  { hasTransforms, isPretty = false }: { readonly hasTransforms: boolean; readonly isPretty?: boolean },
): ResponseFormat {
  if (accept === undefined || accept.trim() === '') return { ...JSON_FORMAT, isPretty };
  for (const clause of parseAccept(accept)) {
    const encoding = encodingOf(clause.mediaType);
    if (encoding === null) continue;
    const as = clause.parameters.get('as');
    if (as === undefined) return { encoding, as: 'object', version: 'v1', isPretty };
    const version = clause.parameters.get('v');
    const isKnown = TRANSFORMS.has(as) && clause.parameters.get('g') === 'meta.k8s.io';
    if (!hasTransforms || !isKnown || (version !== 'v1' && version !== 'v1beta1')) continue;
    return { encoding, as: as as ResponseFormat['as'], version, isPretty };
  }
  throw new StatusError('NotAcceptable', `only the following media types are accepted: ${OFFERED}`);
}

/** The Content-Type of an answer in that format. */
export function contentTypeOf({ encoding }: ResponseFormat): string {
  return CONTENT_TYPES[encoding];
}

function encodingOf(mediaType: string): 'json' | 'yaml' | null {
  switch (mediaType) {
    case '*/*':
    case 'application/*':
    case 'application/json':
      return 'json';
    case 'application/yaml':
    case 'application/x-yaml':
      return 'yaml';
    default:
      return null;
  }
}

/** The clauses of an Accept header, the most wanted first; equals stay in their order. */
export function parseAccept(accept: string): Clause[] {
  const clauses = accept.split(',').map((text): Clause => {
    const [mediaType = '', ...rest] = text.split(';').map((part) => part.trim());
    const parameters = new Map(
      rest.map((part): [string, string] => {
        const equals = part.indexOf('=');
        return equals < 0 ? [part, ''] : [part.slice(0, equals), part.slice(equals + 1)];
      }),
    );
    const quality = Number(parameters.get('q') ?? 1);
    return { mediaType: mediaType.toLowerCase(), parameters, quality: Number.isNaN(quality) ? 0 : quality };
  });
  return clauses.toSorted((a, b) => b.quality - a.quality);
}
