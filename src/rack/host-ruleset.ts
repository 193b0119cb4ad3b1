import type { Layout } from './layout.ts';

/** The rack's one table on this machine. */
export const HOST_TABLE = 'ip bramble-rack';

/** Port of the Kubernetes API on the boards. */
export const API_PORT = 6443;

/**
 * Input for `nft -f -`: the boards reach the world as this machine, and `apiPort` on any address of this machine leads to
 * the API's floating address.
 */
export function hostRuleset({ subnet, apiAddress }: Layout, apiPort: number | null): string {
  const forward = `fib daddr type local tcp dport ${apiPort} dnat to ${apiAddress}:${API_PORT}`;
  return [
    `add table ${HOST_TABLE}`, // so that the delete cannot fail
    `delete table ${HOST_TABLE}`,
    `table ${HOST_TABLE} {`,
    '  chain postrouting {',
    '    type nat hook postrouting priority srcnat;',
    `    ip saddr ${subnet} ip daddr != ${subnet} masquerade`,
    // A board answers to its gateway; an answer to 127.0.0.1 or to some host behind us would never come back here.
    ...(apiPort === null ? [] : [`    ip daddr ${apiAddress} tcp dport ${API_PORT} ct status dnat masquerade`]),
    '  }',
    ...(apiPort === null
      ? []
      : ['prerouting', 'output'].flatMap((hook) => [
          `  chain ${hook} {`,
          `    type nat hook ${hook} priority ${hook === 'output' ? '-100' : 'dstnat'};`,
          `    ${forward}`,
          '  }',
        ])),
    '}',
    '',
  ].join('\n');
}
