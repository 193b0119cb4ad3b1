import { ABSENT_UPSTREAM, DEFAULT_MULTI_POINT, PLUGINS } from './registry.ts';

/** A plugin of a profile at one extension point. */
export interface EnabledPlugin {
  readonly name: string;
  readonly weight: number;
}

/** The extension points, by their names in a KubeSchedulerConfiguration. */
export const EXTENSION_POINTS = [
  'preEnqueue',
  'queueSort',
  'preFilter',
  'filter',
  'postFilter',
  'preScore',
  'score',
  'reserve',
  'permit',
  'preBind',
  'bind',
  'postBind',
] as const;

/** An extension point, as configurations spell it. */
export type ExtensionPoint = (typeof EXTENSION_POINTS)[number];

/** The rules of one scheduler name. */
export interface ProfileConfig {
  readonly schedulerName: string;
  /** 0: adapts to the number of nodes. */
  readonly percentageOfNodesToScore: number;
  readonly plugins: Readonly<Record<ExtensionPoint, readonly EnabledPlugin[]>>;
  readonly args: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
}

/** A KubeSchedulerConfiguration, read and checked, with upstream's defaults filled in. */
export interface SchedulerConfig {
  readonly profiles: readonly ProfileConfig[];
  readonly podInitialBackoffMs: number;
  readonly podMaxBackoffMs: number;
}

interface RawSet {
  readonly enabled?: readonly { readonly name?: string; readonly weight?: number }[];
  readonly disabled?: readonly { readonly name?: string }[];
}

interface RawProfile {
  readonly schedulerName?: string;
  readonly percentageOfNodesToScore?: number;
  readonly plugins?: Readonly<Record<string, RawSet>>;
  readonly pluginConfig?: readonly { readonly name?: string; readonly args?: Readonly<Record<string, unknown>> }[];
}

interface RawConfig {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly percentageOfNodesToScore?: number;
  readonly podInitialBackoffSeconds?: number;
  readonly podMaxBackoffSeconds?: number;
  readonly profiles?: readonly RawProfile[];
  readonly extenders?: readonly unknown[];
}

/** The fields that a file may have (kube-scheduler decodes strictly); those that are others' business among them. */
const CONFIG_FIELDS = (
  'apiVersion kind profiles extenders percentageOfNodesToScore podInitialBackoffSeconds podMaxBackoffSeconds ' +
  'parallelism leaderElection clientConnection delayCacheUntilActive enableProfiling enableContentionProfiling'
).split(' ');
const PROFILE_FIELDS = ['schedulerName', 'percentageOfNodesToScore', 'plugins', 'pluginConfig'];

const API_VERSION = 'kubescheduler.config.k8s.io/v1';

/** The configuration without a file: one profile, `default-scheduler`, upstream's defaults. */
export const DEFAULT_CONFIG: unknown = { apiVersion: API_VERSION, kind: 'KubeSchedulerConfiguration' };

/**
 * Reads a KubeSchedulerConfiguration (parsed YAML). Fields about connections, leader election and parallelism are others'
 * business and are passed over. @throws Error naming everything that is wrong
 */
export function readSchedulerConfig(raw: unknown): SchedulerConfig {
  const config = (raw ?? {}) as RawConfig;
  const wrong: string[] = [];
  if (config.apiVersion !== API_VERSION) wrong.push(`apiVersion must be ${API_VERSION}: got "${config.apiVersion}"`);
  if (config.kind !== 'KubeSchedulerConfiguration')
    wrong.push(`kind must be KubeSchedulerConfiguration: got "${config.kind}"`);
  checkFields(config, '', CONFIG_FIELDS, wrong);
  if ((config.extenders ?? []).length > 0) wrong.push('extenders: this scheduler calls none');
  const { podInitialBackoffSeconds = 1, podMaxBackoffSeconds = 10 } = config;
  if (!(podInitialBackoffSeconds > 0)) wrong.push('podInitialBackoffSeconds: must be greater than 0');
  if (!(podMaxBackoffSeconds >= podInitialBackoffSeconds))
    wrong.push('podMaxBackoffSeconds: must be greater than or equal to PodInitialBackoffSeconds');
  const { profiles: given = [] } = config;
  const rawProfiles = given.length === 0 ? [{}] : given;
  for (const [index, { schedulerName = '' }] of rawProfiles.entries())
    if (schedulerName === '' && rawProfiles.length > 1) wrong.push(`profiles[${index}].schedulerName: Required value`);
  rawProfiles.forEach((profile, index) => checkFields(profile, `profiles[${index}].`, PROFILE_FIELDS, wrong));
  const profiles = rawProfiles.map((profile) => readProfile(profile, config.percentageOfNodesToScore ?? 0, wrong));
  const names = profiles.map(({ schedulerName }) => schedulerName);
  if (new Set(names).size < names.length) wrong.push(`profiles: schedulerName must be unique: got ${names.join(', ')}`);
  const sorts = new Set(profiles.map(({ plugins }) => plugins.queueSort.map(({ name }) => name).join(' ')));
  if (sorts.size > 1) wrong.push('profiles: all must use the same queueSort plugin: there is one queue');
  if (wrong.length > 0) throw new Error(`wrong scheduler configuration: ${wrong.join('; ')}`);
  return {
    profiles,
    podInitialBackoffMs: podInitialBackoffSeconds * 1000,
    podMaxBackoffMs: podMaxBackoffSeconds * 1000,
  };
}

function checkFields(object: object, path: string, known: readonly string[], wrong: string[]): void {
  for (const field of Object.keys(object)) if (!known.includes(field)) wrong.push(`unknown field "${path}${field}"`);
}

function readProfile(raw: RawProfile, percentage: number, wrong: string[]): ProfileConfig {
  const { schedulerName = 'default-scheduler', plugins = {}, pluginConfig = [] } = raw;
  const percentageOfNodesToScore = raw.percentageOfNodesToScore ?? percentage;
  if (!(percentageOfNodesToScore >= 0 && percentageOfNodesToScore <= 100))
    wrong.push('percentageOfNodesToScore: not in valid range [0-100]');
  for (const point of Object.keys(plugins))
    if (point !== 'multiPoint' && !EXTENSION_POINTS.includes(point as ExtensionPoint))
      wrong.push(`plugins: unknown extension point "${point}"`);
  for (const { name = '' } of [...Object.values(plugins).flatMap(({ enabled = [] }) => enabled), ...pluginConfig])
    if (PLUGINS[name] === undefined && !ABSENT_UPSTREAM.has(name)) wrong.push(`unknown plugin "${name}"`);
  const multiPoint = merge(DEFAULT_MULTI_POINT, plugins['multiPoint'] ?? {});
  const ofPoint = (point: ExtensionPoint): EnabledPlugin[] => expand(multiPoint, plugins[point] ?? {});
  const expanded = Object.fromEntries(EXTENSION_POINTS.map((point) => [point, ofPoint(point)]));
  return {
    schedulerName,
    percentageOfNodesToScore,
    plugins: expanded as Record<ExtensionPoint, EnabledPlugin[]>,
    args: new Map(pluginConfig.map(({ name = '', args = {} }) => [name, args])),
  };
}

type Named = readonly { readonly name?: string; readonly weight?: number }[];

function read(set: Named): EnabledPlugin[] {
  const known = set.filter(({ name = '' }) => !ABSENT_UPSTREAM.has(name));
  return known.map(({ name = '', weight = 1 }) => ({ name, weight: weight === 0 ? 1 : weight }));
}

/** The defaults less what is disabled; an enabled one of the same name takes a default's place, others come after. */
function merge(defaults: Named, { enabled = [], disabled = [] }: RawSet): EnabledPlugin[] {
  const off = new Set(disabled.map(({ name }) => name));
  const on = new Map(read(enabled).map((plugin) => [plugin.name, plugin]));
  const kept = off.has('*') ? [] : read(defaults).filter(({ name }) => !off.has(name));
  const replaced = kept.map((plugin) => on.get(plugin.name) ?? plugin);
  return [...replaced, ...[...on.values()].filter(({ name }) => !kept.some((plugin) => plugin.name === name))];
}

/** One extension point: what it names itself goes first, in its order; then the rest of multiPoint less what it disables. */
function expand(multiPoint: readonly EnabledPlugin[], { enabled = [], disabled = [] }: RawSet): EnabledPlugin[] {
  const off = new Set(disabled.map(({ name }) => name));
  const own = read(enabled);
  const isMulti = ({ name }: EnabledPlugin): boolean => multiPoint.some((plugin) => plugin.name === name);
  const rest = multiPoint.filter(({ name }) => !off.has(name) && !own.some((plugin) => plugin.name === name));
  return [...own.filter(isMulti), ...own.filter((plugin) => !isMulti(plugin)), ...(off.has('*') ? [] : rest)];
}
