/** A field's schema, as OpenAPI v2 writes it with Kubernetes' extensions. */
export interface Property {
  description?: string;
  type?: string;
  format?: string;
  enum?: string[];
  $ref?: string;
  items?: Property;
  additionalProperties?: Property;
  default?: unknown;
  'x-kubernetes-patch-merge-key'?: string;
  'x-kubernetes-patch-strategy'?: string;
  'x-kubernetes-list-type'?: string;
  'x-kubernetes-list-map-keys'?: string[];
}

/** A type's schema. */
export interface Definition extends Property {
  required?: string[];
  properties?: Record<string, Property>;
  'x-kubernetes-group-version-kind'?: { group: string; kind: string; version: string }[];
}

/** Definition name, as `io.k8s.api.core.v1.Pod`, to its schema. */
export type Definitions = Readonly<Record<string, Definition>>;
