import { request as httpsRequest } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';
import type { TestCluster } from './test-cluster.ts';

export interface Answer {
  readonly code: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON; undefined when it is none. */
  readonly json: Record<string, unknown> | undefined;
}

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer | object;
  /** Default: the admin's. Null: none. */
  readonly identity?: { readonly certPem: string; readonly keyPem: string } | null;
}

/** One HTTP/1.1 request to a test cluster. */
export async function call(
  cluster: Pick<TestCluster, 'url' | 'ca' | 'admin'>,
  method: string,
  path: string,
  options: CallOptions = {},
): Promise<Answer> {
  const { headers = {}, body, identity = cluster.admin } = options;
  const bytes = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      `${cluster.url}${path}`,
      {
        method,
        ca: cluster.ca,
        agent: false,
        headers: {
          'content-type': 'application/json',
          ...(bytes === undefined ? {} : { 'content-length': String(Buffer.byteLength(bytes)) }),
          ...headers,
        },
        ...(identity === null ? {} : { cert: identity.certPem, key: identity.keyPem }),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          resolve({ code: response.statusCode ?? 0, headers: response.headers, text, json: parse(text) });
        });
      },
    );
    request.on('error', reject);
    request.end(bytes);
  });
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
