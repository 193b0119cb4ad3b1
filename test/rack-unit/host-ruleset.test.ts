import t from 'tap';
import { hostRuleset } from '../../src/rack/host-ruleset.ts';
import { DEFAULT_OPTIONS, planLayout } from '../../src/rack/layout.ts';

void t.test('hostRuleset() replaces the rack’s one table, which lets boards out as this machine', (t) => {
  t.equal(
    hostRuleset(planLayout(DEFAULT_OPTIONS), null),
    `add table ip bramble-rack
delete table ip bramble-rack
table ip bramble-rack {
  chain postrouting {
    type nat hook postrouting priority srcnat;
    ip saddr 10.77.0.0/24 ip daddr != 10.77.0.0/24 masquerade
  }
}
`,
  );
  t.end();
});

void t.test('hostRuleset() with a port leads it to the floating address, from outside and from this machine', (t) => {
  t.equal(
    hostRuleset(planLayout(DEFAULT_OPTIONS), 16443),
    `add table ip bramble-rack
delete table ip bramble-rack
table ip bramble-rack {
  chain postrouting {
    type nat hook postrouting priority srcnat;
    ip saddr 10.77.0.0/24 ip daddr != 10.77.0.0/24 masquerade
    ip daddr 10.77.0.10 tcp dport 6443 ct status dnat masquerade
  }
  chain prerouting {
    type nat hook prerouting priority dstnat;
    fib daddr type local tcp dport 16443 dnat to 10.77.0.10:6443
  }
  chain output {
    type nat hook output priority -100;
    fib daddr type local tcp dport 16443 dnat to 10.77.0.10:6443
  }
}
`,
  );
  t.end();
});
