import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BoardFiles, keyPair } from '../bootstrap/board-files.ts';
import { formatYaml } from '../api/yaml.ts';
import { readFileIfThere } from '../host/file.ts';

interface KubeconfigFlags {
  readonly server: string;
  readonly tlsServerName?: string;
}

/** A kubeconfig with the administrator's certificate of this control board. @throws Error where there is none */
export async function adminKubeconfig(files: BoardFiles, { server, tlsServerName }: KubeconfigFlags): Promise<string> {
  const pair = keyPair(files, 'admin');
  const cert = await readFileIfThere(pair.cert);
  if (cert === undefined)
    throw new Error("this board has no administrator's certificate: it is no control board, or has not joined yet");
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const ca = await readFile(join(files.pki, 'ca.crt'), 'utf8');
  return formatYaml({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'bramble',
        cluster: {
          server,
          'certificate-authority-data': base64(ca),
          ...(tlsServerName === undefined ? {} : { 'tls-server-name': tlsServerName }),
        },
      },
    ],
    users: [
      {
        name: 'admin',
        user: { 'client-certificate-data': base64(cert), 'client-key-data': base64(await readFile(pair.key, 'utf8')) },
      },
    ],
    contexts: [{ name: 'bramble', context: { cluster: 'bramble', user: 'admin' } }],
    'current-context': 'bramble',
  });
}
