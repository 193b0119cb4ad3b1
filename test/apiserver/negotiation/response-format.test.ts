import t from 'tap';
import { negotiate } from '../../../src/apiserver/negotiation/response-format.ts';

const TABLES =
  'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json';

void t.test('negotiate() takes the first clause that can be had, in the order of the client’s wishes', (t) => {
  const all = { hasTransforms: true };
  t.match(negotiate(undefined, all), { encoding: 'json', as: 'object' });
  t.match(negotiate('*/*', all), { encoding: 'json', as: 'object' });
  t.match(negotiate('application/yaml', all), { encoding: 'yaml' });
  t.match(negotiate('application/vnd.kubernetes.protobuf,application/json', all), { encoding: 'json' });
  t.match(negotiate('application/json;q=0.5,application/yaml', all), { encoding: 'yaml' });
  t.match(negotiate(TABLES, all), { as: 'Table', version: 'v1' });
  t.match(negotiate(TABLES, { hasTransforms: false }), { as: 'object' });
  t.end();
});

void t.test('negotiate() is NotAcceptable when nothing can be had', (t) => {
  t.throws(() => negotiate('text/html', { hasTransforms: true }), {
    message: /^only the following media types are accepted: application\/json/,
  });
  t.throws(() => negotiate('application/json;as=Table;v=v1;g=meta.k8s.io', { hasTransforms: false }), {
    message: /only the following/,
  });
  t.throws(() => negotiate('application/json;as=Table;v=v9;g=meta.k8s.io', { hasTransforms: true }), {
    message: /only the following/,
  });
  t.end();
});
