import type { Namespace, Node, Pod } from '../../src/api/objects.ts';
import type { Selector } from '../../src/api/selector.ts';
import { silentLog } from '../../src/host/log.ts';
import { createEventRecorder } from '../../src/client/event-recorder.ts';
import { SchedulerCache } from '../../src/scheduler/cache.ts';
import { CycleState, type Cycle, type Plugin } from '../../src/scheduler/framework.ts';
import type { PluginHandle } from '../../src/scheduler/plugin-handle.ts';
import { readPod } from '../../src/scheduler/pod-info.ts';
import { createFakeApiClient } from '../fake/api-client.ts';
import { createFakeClock } from '../fake/clock.ts';

interface World {
  readonly nodes: readonly Node[];
  readonly pods?: readonly Pod[];
}

/** A handle for plugins tested alone. */
export function handleFor(groupSelector: Selector | null = null, namespaces: readonly Namespace[] = []): PluginHandle {
  const client = createFakeApiClient();
  const clock = createFakeClock();
  return {
    client,
    clock,
    recorder: createEventRecorder({ client, component: 'test', clock, log: silentLog }),
    random: () => 0,
    namespaceLabels: (name) => namespaces.find(({ metadata }) => metadata?.name === name)?.metadata?.labels,
    groupSelector: () => groupSelector,
    nominated: () => [],
    tryOn: () => undefined,
  };
}

function cycleOf(pod: Pod, { nodes, pods = [] }: World): Cycle {
  const cache = new SchedulerCache();
  for (const node of nodes) cache.putNode(node);
  for (const other of pods) cache.putPod(readPod(other));
  return { pod: readPod(pod), snapshot: cache, state: new CycleState() };
}

/** What the plugin's PreFilter and Filter say of each node: `ok` or the reasons. */
export function filterAll(plugin: Plugin, pod: Pod, world: World): Record<string, string> {
  const cycle = cycleOf(pod, world);
  const outcome = plugin.preFilter?.(cycle);
  return Object.fromEntries(
    cycle.snapshot.nodes.map((node) => {
      const rejection = outcome === 'skip' ? undefined : plugin.filter?.(cycle, node);
      const mark = rejection?.code === 'UnschedulableAndUnresolvable' ? '! ' : '';
      return [node.name, rejection === undefined ? 'ok' : mark + rejection.reasons.join(', ')];
    }),
  );
}

/** Normalized scores by node; undefined when the plugin leaves the pod out. */
export function scoreAll(plugin: Plugin, pod: Pod, world: World): Record<string, number> | undefined {
  const cycle = cycleOf(pod, world);
  const { nodes } = cycle.snapshot;
  if (plugin.preScore?.(cycle, nodes) === 'skip') return undefined;
  const scores = nodes.map((node) => plugin.score?.(cycle, node) ?? 0);
  plugin.normalize?.(cycle, nodes, scores);
  return Object.fromEntries(nodes.map(({ name }, index) => [name, scores[index] ?? 0]));
}
