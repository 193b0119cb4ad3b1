import t from 'tap';
import { hostsFile } from '../../src/kubelet/sandbox/hosts-file.ts';
import { parseResolvConf, podDns } from '../../src/kubelet/sandbox/pod-dns.ts';
import { podHostname, sandboxHostname } from '../../src/kubelet/sandbox/pod-hostname.ts';
import { podOf } from './runtime-state.ts';

const DOMAIN = 'cluster.local';
const facts = {
  clusterDns: ['10.96.0.10'],
  clusterDomain: DOMAIN,
  host: { servers: ['192.0.2.1'], searches: ['lan'], options: ['edns0'] },
};

void t.test('podDns() by policy', (t) => {
  const cluster = {
    servers: ['10.96.0.10'],
    searches: ['ns1.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'lan'],
    options: ['ndots:5'],
  };
  t.same(podDns(podOf({}), facts), cluster);
  t.same(podDns(podOf({ dnsPolicy: 'Default' }), facts), facts.host);
  t.same(podDns(podOf({ hostNetwork: true }), facts), facts.host, 'ClusterFirst on the host network');
  t.same(podDns(podOf({ hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' }), facts), cluster);
  const dnsConfig = {
    nameservers: ['1.1.1.1'],
    searches: ['own'],
    options: [{ name: 'ndots', value: '2' }, { name: 'debug' }],
  };
  t.same(podDns(podOf({ dnsPolicy: 'None', dnsConfig }), facts), {
    servers: ['1.1.1.1'],
    searches: ['own'],
    options: ['ndots:2', 'debug'],
  });
  t.same(podDns(podOf({ dnsConfig }), facts).options, ['ndots:2', 'debug'], 'an option of the pod replaces its like');
  t.end();
});

void t.test('parseResolvConf() reads what glibc reads', (t) => {
  const text = '# comment\nnameserver 192.0.2.1\nsearch a. b\noptions ndots:2 edns0\nnameserver ::1\n';
  t.same(parseResolvConf(text), { servers: ['192.0.2.1', '::1'], searches: ['a', 'b'], options: ['ndots:2', 'edns0'] });
  t.end();
});

void t.test('podHostname() and hostsFile()', (t) => {
  t.same(podHostname(podOf({}), DOMAIN), { hostname: 'web', domain: '' });
  const pod = podOf({ hostname: 'a', subdomain: 'sub', hostAliases: [{ ip: '10.0.0.1', hostnames: ['x', 'y'] }] });
  const name = podHostname(pod, DOMAIN);
  t.same(name, { hostname: 'a', domain: 'sub.ns1.svc.cluster.local' });
  t.equal(sandboxHostname(pod, name), 'a');
  t.equal(sandboxHostname(podOf({ setHostnameAsFQDN: true }), name), 'a.sub.ns1.svc.cluster.local');
  const text = hostsFile(pod, ['10.244.1.2'], name, '');
  t.match(text, /^# Kubernetes-managed hosts file\.\n127\.0\.0\.1\tlocalhost\n/);
  t.match(
    text,
    /\n10\.244\.1\.2\ta\.sub\.ns1\.svc\.cluster\.local\ta\n\n# Entries added by HostAliases\.\n10\.0\.0\.1\tx\ty\n$/,
  );
  const onHost = hostsFile(podOf({ hostNetwork: true }), ['192.0.2.7'], name, '127.0.0.1 localhost\n');
  t.equal(onHost, '# Kubernetes-managed hosts file (host network).\n127.0.0.1 localhost\n');
  t.end();
});
