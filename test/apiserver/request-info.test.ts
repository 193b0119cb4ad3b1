import t from 'tap';
import { requestInfo } from '../../src/apiserver/request-info.ts';

// apiserver pkg/endpoints/request/requestinfo_test.go, TestGetAPIRequestInfo
void t.test('requestInfo() reads verb, resource, subresource, namespace and name from method and path', (t) => {
  for (const [method, url, verb, group, namespace, resource, subresource, name] of [
    ['GET', '/api/v1/namespaces/other/pods', 'list', '', 'other', 'pods', '', ''],
    ['GET', '/api/v1/namespaces/other/pods/foo', 'get', '', 'other', 'pods', '', 'foo'],
    ['HEAD', '/api/v1/namespaces/other/pods/foo', 'get', '', 'other', 'pods', '', 'foo'],
    ['GET', '/api/v1/pods?watch=true', 'watch', '', '', 'pods', '', ''],
    ['GET', '/api/v1/pods?watch=false', 'list', '', '', 'pods', '', ''],
    ['GET', '/api/v1/watch/namespaces/other/pods', 'watch', '', 'other', 'pods', '', ''],
    ['GET', '/api/v1/pods?fieldSelector=metadata.name%3Dfoo', 'list', '', '', 'pods', '', 'foo'],
    ['DELETE', '/api/v1/namespaces/other/pods', 'deletecollection', '', 'other', 'pods', '', ''],
    ['DELETE', '/api/v1/namespaces/other/pods/foo', 'delete', '', 'other', 'pods', '', 'foo'],
    ['POST', '/api/v1/namespaces/other/pods/foo/binding', 'create', '', 'other', 'pods', 'binding', 'foo'],
    ['GET', '/api/v1/namespaces/other', 'get', '', 'other', 'namespaces', '', 'other'],
    ['PUT', '/api/v1/namespaces/other/finalize', 'update', '', 'other', 'namespaces', 'finalize', 'other'],
    ['GET', '/api/v1/nodes/w1/proxy/metrics', 'get', '', '', 'nodes', 'proxy', 'w1'],
    ['PATCH', '/apis/apps/v1/namespaces/x/deployments/web/scale', 'patch', 'apps', 'x', 'deployments', 'scale', 'web'],
  ] as const) {
    const [path = '', query] = url.split('?');
    const info = requestInfo(method, path, new URLSearchParams(query));
    t.match(info, { isResourceRequest: true, verb, group, namespace, resource, subresource, name }, `${method} ${url}`);
  }
  t.equal(requestInfo('GET', '/api/v1/nodes/w1/proxy/a%2Fb/c', new URLSearchParams()).restPath, '/a%2Fb/c');
  t.end();
});

void t.test('requestInfo() leaves what is no resource path to non-resource rules', (t) => {
  for (const path of ['/', '/api', '/api/v1', '/apis', '/apis/apps', '/apis/apps/v1', '/healthz', '/version'])
    t.match(requestInfo('GET', path, new URLSearchParams()), { isResourceRequest: false, verb: 'get', path });
  t.end();
});
