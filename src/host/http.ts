/**
 * What we use of node:http and node:https. Their functions are to be had from here alone: an `import` of node:http reads
 * all that it exports, which loads Node's own fetch and WebSocket and takes 4 MB of each process.
 */
const http = process.getBuiltinModule('node:http');
const https = process.getBuiltinModule('node:https');

export const { createServer: createHttpServer, request: httpRequest, STATUS_CODES, ServerResponse } = http;
export const { createServer: createHttpsServer, request: httpsRequest } = https;
