import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { isIPv4 } from 'node:net';
import { errorText } from '../api/error-text.ts';
import { parseYaml } from '../api/yaml.ts';
import type { Taint } from '../api/objects.ts';
import { type JoinToken, parseToken } from './token.ts';

/** `/etc/bramble/config.yaml`: the one file that makes a board this board. Written by Ansible or the card flasher. */
export interface BoardConfig {
  /** Name of the Node; default: the host's name. */
  readonly name: string;
  readonly role: 'control' | 'worker';
  /** Whether this control board founds the cluster when it has the cluster's authority and no data. */
  readonly found: boolean;
  /** Absent only on the founder. */
  readonly token: JoinToken | undefined;
  /** The board's own address; default: that of the interface of the default route. */
  readonly nodeAddress: string | undefined;
  /** The floating address of the API, shared by the control boards. */
  readonly apiAddress: string | undefined;
  readonly interfaceName: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  /** What must be left of the board, else pods are evicted: `memory.available<100Mi,nodefs.available<10%`; default: upstream's. */
  readonly evictionHard: string | undefined;
  readonly clusterName: string;
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  readonly clusterDomain: string;
  /** More names or addresses that the API's certificate is good for. */
  readonly apiNames: readonly string[];
}

const KEYS = new Set([
  'name',
  'role',
  'found',
  'token',
  'addresses',
  'interface',
  'labels',
  'taints',
  'evictionHard',
  'clusterName',
  'clusterCidr',
  'serviceCidr',
  'clusterDomain',
  'apiNames',
]);

const DNS_NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const CIDR = /^\d+\.\d+\.\d+\.\d+\/\d{1,2}$/;
const EVICTION_HARD = /^$|^[a-zA-Z.]+<[\d.]+(%|[A-Za-z]*)(,[a-zA-Z.]+<[\d.]+(%|[A-Za-z]*))*$/;

/** Upstream's taint of control boards: no ordinary pod runs there. */
export const CONTROL_TAINT: Taint = { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' };

/** Reads and checks the file. @throws Error that names every wrong setting in one line */
export async function loadBoardConfig(path: string): Promise<BoardConfig> {
  let value: unknown;
  try {
    value = parseYaml(await readFile(path, 'utf8'));
  } catch (error) {
    throw new Error(`Cannot read ${path}: ${errorText(error)}`, {
      cause: error,
    });
  }
  const { config, wrong } = checkBoardConfig(value, hostname());
  if (config === undefined) throw new Error(`Cannot use ${path}: ${wrong.join('; ')}`);
  return config;
}

/** The settings, or all that is wrong with them. */
export function checkBoardConfig(
  value: unknown,
  defaultName: string,
): { config: BoardConfig | undefined; wrong: readonly string[] } {
  const wrong: string[] = [];
  const raw = asRecord(value, 'the file', wrong);
  for (const key of Object.keys(raw)) if (!KEYS.has(key)) wrong.push(`there is no setting '${key}'`);
  const addresses = asRecord(raw['addresses'] ?? {}, 'addresses', wrong);
  const role = raw['role'];
  if (role !== 'control' && role !== 'worker') wrong.push(`role must be 'control' or 'worker': got ${quote(role)}`);
  const found = raw['found'] ?? false;
  if (typeof found !== 'boolean') wrong.push(`found must be true or false: got ${quote(found)}`);
  if (found === true && role === 'worker') wrong.push('a worker cannot found a cluster');
  const config: BoardConfig = {
    name: asText(raw['name'] ?? defaultName.toLowerCase(), 'name', DNS_NAME, wrong),
    role: role === 'control' ? 'control' : 'worker',
    found: found === true,
    token: asToken(raw['token'], found === true, wrong),
    nodeAddress: asAddress(addresses['node'], 'addresses.node', wrong),
    apiAddress: asAddress(addresses['api'], 'addresses.api', wrong),
    interfaceName:
      raw['interface'] === undefined ? undefined : asText(raw['interface'], 'interface', /^\S{1,15}$/, wrong),
    labels: asLabels(raw['labels'] ?? {}, wrong),
    taints: asTaints(raw['taints'], role === 'control', wrong),
    evictionHard:
      raw['evictionHard'] === undefined ? undefined : asText(raw['evictionHard'], 'evictionHard', EVICTION_HARD, wrong),
    clusterName: asText(raw['clusterName'] ?? 'bramble', 'clusterName', DNS_NAME, wrong),
    clusterCidr: asText(raw['clusterCidr'] ?? '10.244.0.0/16', 'clusterCidr', CIDR, wrong),
    serviceCidr: asText(raw['serviceCidr'] ?? '10.96.0.0/12', 'serviceCidr', CIDR, wrong),
    clusterDomain: asText(raw['clusterDomain'] ?? 'cluster.local', 'clusterDomain', DNS_NAME, wrong),
    apiNames: asTexts(raw['apiNames'] ?? [], 'apiNames', wrong),
  };
  return { config: wrong.length === 0 ? config : undefined, wrong };
}

function quote(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}

function asRecord(value: unknown, what: string, wrong: string[]): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  wrong.push(`${what} must be a map: got ${quote(value)}`);
  return {};
}

function asText(value: unknown, what: string, shape: RegExp, wrong: string[]): string {
  if (typeof value === 'string' && shape.test(value)) return value;
  wrong.push(`${what} must match ${shape.source}: got ${quote(value)}`);
  return '';
}

function asTexts(value: unknown, what: string, wrong: string[]): string[] {
  if (Array.isArray(value) && value.every((one): one is string => typeof one === 'string')) return value;
  wrong.push(`${what} must be a list of texts: got ${quote(value)}`);
  return [];
}

/** The token itself is never put into a message. */
function asToken(value: unknown, isFounder: boolean, wrong: string[]): JoinToken | undefined {
  if (value === undefined && isFounder) return undefined;
  const token = typeof value === 'string' ? parseToken(value) : undefined;
  if (token === undefined) wrong.push('token must be one that `bramble init` or `bramble token` printed');
  return token;
}

function asAddress(value: unknown, what: string, wrong: string[]): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string' && isIPv4(value)) return value;
  wrong.push(`${what} must be an IPv4 address: got ${quote(value)}`);
  return undefined;
}

function asLabels(value: unknown, wrong: string[]): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [key, one] of Object.entries(asRecord(value, 'labels', wrong))) labels[key] = String(one);
  return labels;
}

function asTaints(value: unknown, isControl: boolean, wrong: string[]): Taint[] {
  if (value === undefined) return isControl ? [CONTROL_TAINT] : [];
  const taints: Taint[] = [];
  for (const one of Array.isArray(value) ? value : [value]) {
    const { key, value: text, effect } = asRecord(one, 'a taint', wrong);
    if (typeof key !== 'string' || (effect !== 'NoSchedule' && effect !== 'PreferNoSchedule' && effect !== 'NoExecute'))
      wrong.push(`a taint needs key and effect (NoSchedule, PreferNoSchedule, NoExecute): got ${quote(one)}`);
    else taints.push({ key, effect, ...(typeof text === 'string' ? { value: text } : {}) });
  }
  return taints;
}
