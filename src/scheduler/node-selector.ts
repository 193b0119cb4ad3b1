import type { NodeSelector, NodeSelectorRequirement, NodeSelectorTerm } from '../api/objects.ts';
import { matchesFields, matchesLabels, type Selector } from '../api/selector.ts';
import type { NodeInfo } from './node-info.ts';

/** Whether a node meets any of the terms (component-helpers nodeaffinity): within a term all must hold, an empty one fits none. */
export function matchesNodeSelector({ nodeSelectorTerms }: NodeSelector, node: NodeInfo): boolean {
  return nodeSelectorTerms.some((term) => matchesNodeSelectorTerm(term, node));
}

/** Whether the node meets all of the term's requirements; an empty term matches nothing. */
export function matchesNodeSelectorTerm(term: NodeSelectorTerm, node: NodeInfo): boolean {
  const { matchExpressions = [], matchFields = [] } = term;
  if (matchExpressions.length === 0 && matchFields.length === 0) return false;
  if (!matchesLabels(requirements(matchExpressions), node.labels)) return false;
  return matchesFields(requirements(matchFields), (path) => (path === 'metadata.name' ? node.name : ''));
}

function requirements(expressions: readonly NodeSelectorRequirement[]): Selector {
  return expressions.map(({ key, operator, values = [] }) => ({
    key,
    operator,
    values,
  }));
}
