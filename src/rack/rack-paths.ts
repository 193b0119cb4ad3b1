import { join } from 'node:path';

/** Everything the rack keeps: all of it below one folder, so that `down` can account for it. */
export interface RackPaths {
  /** The checkout that the boards see as /opt/bramble. */
  readonly checkout: string;
  readonly root: string;
  readonly state: string;
  readonly lock: string;
  /** Debian trees, one per recipe: all that `down` leaves. */
  readonly bases: string;
  readonly boards: string;
  readonly ssh: string;
  /** One archive of all images that need no registry. */
  readonly images: string;
  readonly inventory: string;
  readonly kubeconfig: string;
  readonly bin: string;
  readonly log: string;
}

/** The rack's files for a checkout: `<checkout>/.rack/...`. */
export function rackPaths(checkout: string): RackPaths {
  const root = join(checkout, '.rack');
  return {
    checkout,
    root,
    state: join(root, 'state.json'),
    lock: join(root, 'lock'),
    bases: join(root, 'base'),
    boards: join(root, 'boards'),
    ssh: join(root, 'ssh'),
    images: join(root, 'images.tar'),
    inventory: join(root, 'inventory.json'),
    kubeconfig: join(root, 'kubeconfig'),
    bin: join(root, 'bin'),
    log: join(root, 'log'),
  };
}

/** Folders of one board. Those named after /var/lib are outside the overlay: see board.sh. */
export interface BoardPaths {
  readonly dir: string;
  readonly upper: string;
  readonly work: string;
  readonly root: string;
  readonly persistent: string;
  readonly console: string;
}

/** Where the board's files are; the `root` is mounted only in the board's own mount namespace. */
export function boardPaths(paths: RackPaths, name: string): BoardPaths {
  const dir = join(paths.boards, name);
  return {
    dir,
    upper: join(dir, 'upper'),
    work: join(dir, 'work'),
    root: join(dir, 'root'),
    persistent: join(dir, 'persistent'),
    console: join(dir, 'console.log'),
  };
}
