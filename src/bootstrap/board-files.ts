import { join } from 'node:path';

/** Where everything that Bramble keeps on a board lies. */
export interface BoardFiles {
  readonly config: string;
  readonly data: string;
  readonly pki: string;
  readonly store: string;
  /** How this board's store member came to be: founder or joiner, and its peers then. */
  readonly storeMember: string;
  readonly tokens: string;
  /** Addresses of API servers that worked last. */
  readonly apiServers: string;
  readonly kubelet: string;
}

/** @param root `/` on a board; a folder in tests */
export function boardFiles(root = '/'): BoardFiles {
  const data = join(root, 'var/lib/bramble');
  return {
    config: join(root, 'etc/bramble/config.yaml'),
    data,
    pki: join(data, 'pki'),
    store: join(data, 'store'),
    storeMember: join(data, 'store-member.json'),
    tokens: join(data, 'tokens.json'),
    apiServers: join(data, 'api-servers.json'),
    kubelet: join(root, 'var/lib/kubelet'),
  };
}

/** The key and certificate files of one identity below the pki folder. */
export function keyPair(files: BoardFiles, name: string): { readonly cert: string; readonly key: string } {
  return { cert: join(files.pki, `${name}.crt`), key: join(files.pki, `${name}.key`) };
}
