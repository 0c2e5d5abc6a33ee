import { randomBytes } from 'node:crypto';
import test from 'ava';
import {
  BUCKETS,
  bucketOf,
  DIGEST_BYTES,
  differing,
  digestOf,
  FAN_OUT,
  HashTree,
  treeChange,
} from '../../src/replication/hash-tree.ts';
import type { ReplicaRecord } from '../../src/replication/record.ts';

function file(path: string, more: Partial<ReplicaRecord> = {}): ReplicaRecord {
  return {
    path,
    kind: 'file',
    size: 3,
    sha256: 'ab'.repeat(32),
    mtime: 5,
    dot: ['a.1', 1],
    stamp: 7,
    context: { 'a.1': 1 },
    kept: [],
    ...more,
  };
}

function treeOf(records: readonly ReplicaRecord[]): HashTree {
  const tree = new HashTree();
  for (const record of records) {
    const change = treeChange(undefined, record);
    if (change !== undefined) tree.apply(change);
  }
  return tree;
}

test('the order in which records come does not matter, what they say does', (t) => {
  const records = Array.from({ length: 200 }, (_, n) => file(`/f${n}`, { dot: ['a.1', n + 1] }));
  const root = treeOf(records).root;
  t.is(treeOf([...records].reverse()).root, root);
  const [first = file('/none'), ...others] = records;
  for (const changed of [
    { size: 4 },
    { sha256: 'cd'.repeat(32) },
    { mtime: 6 },
    { dot: ['a.1', 900] as const },
    { stamp: 8 },
    { context: { 'a.1': 1, 'b.1': 1 } },
    { kind: 'directory' as const },
  ]) {
    t.not(treeOf([{ ...first, ...changed }, ...others]).root, root, JSON.stringify(changed));
  }
});

test('the order of the entries of a context does not matter', (t) => {
  const one = digestOf(file('/a', { context: { x: 1, y: 2 } }));
  const other = digestOf(file('/a', { context: { y: 2, x: 1 } }));
  t.deepEqual(one, other);
});

test('tombstones do not count: they are collected at different times', (t) => {
  const gone = file('/gone', { kind: 'tombstone', size: 0, sha256: '' });
  t.is(treeOf([file('/a'), gone]).root, treeOf([file('/a')]).root);
  t.is(treeChange(undefined, gone), undefined);
});

test('a record that goes takes its sum with it', (t) => {
  const tree = treeOf([file('/a'), file('/b')]);
  const change = treeChange(file('/b'), undefined);
  t.truthy(change);
  if (change !== undefined) tree.apply(change);
  t.is(tree.root, treeOf([file('/a')]).root);
});

test('one difference shows in one node of the first level and one bucket below it', (t) => {
  const many = Array.from({ length: 1000 }, () => file(`/${randomBytes(6).toString('hex')}`));
  const [here, there] = [treeOf(many), treeOf([...many, file('/only here')])];
  const bucket = bucketOf('/only here');
  t.deepEqual(differing(here.nodes(), there.nodes()), [bucket >> 8]);
  const below = differing(here.bucketsBelow([bucket >> 8]), there.bucketsBelow([bucket >> 8]));
  t.deepEqual(below, [bucket % FAN_OUT]);
  t.is(here.nodes().length, FAN_OUT * DIGEST_BYTES);
});

test('buckets are spread evenly', (t) => {
  const nodes = new Array(FAN_OUT).fill(0);
  for (let n = 0; n < BUCKETS / 2; n += 1) nodes[bucketOf(`/photos/2026/image-${n}.jpg`) >> 8] += 1;
  t.true(Math.min(...nodes) > 64);
  t.true(Math.max(...nodes) < 256);
});
