/** HTTP/2 as bytes, so that tests can say what no library would. */

/** What a client's connection begins with, its SETTINGS frame apart (RFC 9113 section 3.4). */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
/** Frame types (RFC 9113 section 6). */
export const TYPE = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7, continuation: 9 };
/** Flags of frames. */
export const END_STREAM = 1;
export const END_HEADERS = 4;
/** One frame (RFC 9113 section 4.1). */
export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A literal header field without indexing (RFC 7541 section 6.2.2); both parts shorter than 127 bytes. */
export function field(name: string, value: string): Buffer {
  return Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);
}

/** The pseudo-header fields of a request for ConfigMaps, or for `path`. */
export function requestHead(method: string, path = '/api/v1/namespaces/default/configmaps'): Buffer {
  return Buffer.concat([
    field(':method', method),
    field(':scheme', 'https'),
    field(':authority', 'a'),
    field(':path', path),
  ]);
}
