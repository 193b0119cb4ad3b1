import t from 'tap';
import { oracleFiles } from './interaction/data-driven.ts';
import { Environment } from './interaction/environment.ts';

const files = oracleFiles('interaction');
const skip = files.length === 0 && 'the test data of etcd-io/raft is not there: ../shared/oracles/raft';

// etcd-io/raft testdata/*.txt: every line, those of the log included.
void t.test('RawNode does and says what etcd-io/raft does, in every interaction', { skip }, (t) => {
  for (const { name, cases } of files) {
    void t.test(name, (t) => {
      const environment = new Environment();
      for (const one of cases) {
        const output = environment.run(one).trimEnd();
        t.equal(output, one.expected.trimEnd(), `line ${one.line}: ${one.command}`);
      }
      t.end();
    });
  }
  t.end();
});
