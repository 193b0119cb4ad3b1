/** One metric with all its values at this moment. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly samples: readonly MetricSample[];
}

interface MetricSample {
  readonly labels: Readonly<Record<string, string>>;
  /** Undefined: not measured, left out. */
  readonly value: number | undefined;
  /** When it was measured, where that is not now. Milliseconds since 1970. */
  readonly timestampMs?: number;
}

export const METRIC_TEXT = 'text/plain; version=0.0.4; charset=utf-8';

/** Prometheus' text format, version 0.0.4. For what is read anew each time; counters of our own are prom-client's. */
export function metricText(families: readonly MetricFamily[]): string {
  const lines: string[] = [];
  for (const { name, help, type, samples } of families) {
    const measured = samples.filter(({ value }) => value !== undefined);
    if (measured.length === 0) continue;
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const { labels, value, timestampMs } of measured) {
      const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
      const time = timestampMs === undefined ? '' : ` ${timestampMs}`;
      lines.push(`${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}${time}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
