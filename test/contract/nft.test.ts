import { execFileSync } from 'node:child_process';
import t from 'tap';
import { createNft } from '../../src/host/nft.ts';
import { createFakeNft } from '../fake/nft.ts';
import { canMakeNamespaces } from '../fake/network-namespace.ts';
import { nftContract } from './nft.contract.ts';

nftContract(t, 'the fake', createFakeNft);

const skip = canMakeNamespaces() ? false : 'needs root, ip and nft';
void t.test('on the kernel', { skip }, (t) => {
  const namespace = `bramble-nft-${process.pid}`;
  execFileSync('ip', ['netns', 'add', namespace]);
  t.teardown(() => execFileSync('ip', ['netns', 'delete', namespace]));
  nftContract(t, 'the kernel', () => createNft(['ip', 'netns', 'exec', namespace]));
  t.end();
});
