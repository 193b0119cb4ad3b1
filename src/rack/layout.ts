import { RackError } from './rack-error.ts';
import { addressAt, formatSubnet, overlaps, parseSubnet } from './subnet.ts';

/** What a user may choose about a rack. */
export interface RackOptions {
  /** Boards that hold the store: 1, 3 or 5. */
  readonly control: number;
  /** Boards that only run pods: 0 to 20. */
  readonly workers: number;
  /** Network of the boards, for instance `10.77.0.0/24`. */
  readonly subnet: string;
  /** Port on this machine that leads to the Kubernetes API; null for none. */
  readonly apiPort: number | null;
  /** Memory of each board in MiB. */
  readonly memoryMib: number;
}

/** The rack that issue and README describe: three control boards, two workers, each as small as a 1 GB Pi. */
export const DEFAULT_OPTIONS: RackOptions = {
  control: 3,
  workers: 2,
  subnet: '10.77.0.0/24',
  apiPort: null,
  memoryMib: 1024,
};

export type Role = 'control' | 'worker';

/** One board: where it stands and what it is told. */
export interface Board {
  readonly name: string;
  readonly role: Role;
  /** The one control board that founds the cluster. */
  readonly isFounder: boolean;
  readonly address: string;
  readonly mac: string;
}

/** Everything about a rack that follows from its options alone. */
export interface Layout {
  readonly boards: readonly Board[];
  readonly subnet: string;
  readonly prefixLength: number;
  /** This machine's address in the boards' network, their gateway. */
  readonly hostAddress: string;
  /** The floating address of the Kubernetes API. */
  readonly apiAddress: string;
}

// Ten addresses each for what is fixed, so that a board's address says which board it is.
const HOST_INDEX = 1;
const API_INDEX = 10;
const CONTROL_INDEX = 10;
const WORKER_INDEX = 20;
const WORKERS_MAX = 20;
const MEMORY_MIB_MIN = 256;
/** The longest prefix that still holds the last worker's address. */
const PREFIX_LENGTH_MAX = 26;
const PREFIX_LENGTH_MIN = 16;
/** Pods and Services of the cluster inside, which the boards' network must leave alone. */
const CLUSTER_NETWORKS = ['10.244.0.0/16', '10.96.0.0/12'];

/** Names, roles and addresses of all boards. @throws RackError with every wrong option in one line */
export function planLayout(options: RackOptions): Layout {
  const wrong = wrongOptions(options);
  if (wrong.length > 0) throw new RackError(wrong.join('; '));
  const subnet = parseSubnet(options.subnet);
  const board = (role: Role, number: number): Board => {
    const address = addressAt(subnet, (role === 'control' ? CONTROL_INDEX : WORKER_INDEX) + number);
    const isFounder = role === 'control' && number === 1;
    return { name: `${role === 'control' ? 'c' : 'w'}${number}`, role, isFounder, address, mac: macOf(address) };
  };
  const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
  return {
    boards: [
      ...numbers(options.control).map((number) => board('control', number)),
      ...numbers(options.workers).map((number) => board('worker', number)),
    ],
    subnet: formatSubnet(subnet),
    prefixLength: subnet.prefixLength,
    hostAddress: addressAt(subnet, HOST_INDEX),
    apiAddress: addressAt(subnet, API_INDEX),
  };
}

/** The board of that name. @throws RackError that names the boards there are */
export function findBoard(layout: Layout, name: string): Board {
  const found = layout.boards.find((board) => board.name === name);
  if (found !== undefined) return found;
  throw new RackError(`there is no board "${name}": boards are ${layout.boards.map((board) => board.name).join(' ')}`);
}

/** A locally administered unicast address, the same at every boot, that ends in the board's IPv4 address. */
function macOf(address: string): string {
  const bytes = address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
  return `02:62:${bytes.join(':')}`;
}

function wrongOptions({ control, workers, subnet, apiPort, memoryMib }: RackOptions): string[] {
  const wrong: string[] = [];
  const isWhole = (value: number, min: number, max: number): boolean =>
    Number.isInteger(value) && value >= min && value <= max;
  if (![1, 3, 5].includes(control)) wrong.push(`control must be 1, 3 or 5 boards: got ${control}`);
  if (!isWhole(workers, 0, WORKERS_MAX)) wrong.push(`workers must be 0 to ${WORKERS_MAX} boards: got ${workers}`);
  if (!isWhole(memoryMib, MEMORY_MIB_MIN, 2 ** 20)) {
    wrong.push(`memory must be at least ${MEMORY_MIB_MIN} MiB: got ${memoryMib}`);
  }
  if (apiPort !== null && !isWhole(apiPort, 1, 65535)) wrong.push(`api-port must be 1 to 65535: got ${apiPort}`);
  try {
    const parsed = parseSubnet(subnet);
    if (parsed.prefixLength > PREFIX_LENGTH_MAX || parsed.prefixLength < PREFIX_LENGTH_MIN) {
      wrong.push(`subnet must have a prefix of ${PREFIX_LENGTH_MIN} to ${PREFIX_LENGTH_MAX}: got ${subnet}`);
    }
    const taken = CLUSTER_NETWORKS.find((network) => overlaps(parsed, parseSubnet(network)));
    if (taken !== undefined) wrong.push(`subnet ${subnet} overlaps ${taken}, which the cluster uses inside`);
  } catch (error) {
    if (!(error instanceof RackError)) throw error;
    wrong.push(error.message);
  }
  return wrong;
}
