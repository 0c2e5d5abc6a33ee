/**
 * A process that opens a store whose catalog is lost and rebuilds it, as its own sweep would: `node
 * rebuild-until-killed.ts <root>`. With CLOUDROID_FAILPOINT it dies somewhere in between.
 */
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReplicaRecord } from '../../src/replication/record.ts';
import type { Store } from '../../src/storage/store-api.ts';
import { sha256Of } from './content-hash.ts';
import { storeUnder } from './store-in-process.ts';

const PEER = 'odroid-b-0002.bbbbbbbb';
const MTIME = 1_700_000_000_000;

/** What was on the volume. */
export const FILES: { readonly [path: string]: string } = {
  '/same': 'the same on both',
  '/folder/same-too': 'the same, with another time',
  '/deleted': 'deleted on the peer',
  '/changed.txt': 'as it was here',
  '/only/here': 'never replicated',
  '/only/here-too': 'nor this one',
};

/** What the peer knows; its content is on this disk too, so nothing need be sent. */
export const RECORDS: readonly ReplicaRecord[] = [
  record(1, '/same', 'the same on both'),
  { ...record(2, '/folder/same-too', 'the same, with another time'), mtime: MTIME + 7000 },
  { ...record(3, '/deleted', ''), kind: 'tombstone', sha256: '' },
  record(4, '/changed.txt', 'never replicated'),
];

/** What must be there in the end. */
export const REBUILT: { readonly [path: string]: string } = {
  '/same': 'the same on both',
  '/folder/same-too': 'the same, with another time',
  '/changed.txt': 'never replicated',
  '/changed.recovered-20231114T221320.000Z.txt': 'as it was here',
  '/only/here': 'never replicated',
  '/only/here-too': 'nor this one',
};

function record(seq: number, path: string, content: string): ReplicaRecord {
  return {
    path,
    kind: 'file',
    size: Buffer.byteLength(content),
    sha256: sha256Of(content),
    mtime: MTIME,
    dot: [PEER, seq],
    stamp: MTIME,
    context: { [PEER]: seq },
    kept: [],
  };
}

export async function rebuild(store: Store): Promise<void> {
  while (!/compared with/.test(store.hello().readOnly ?? '')) {
    if (store.hello().readOnly === null) return;
    await sleep(10);
    // Also when a process before this one has come further.
    store.disk.roundOver();
  }
  const pushed = RECORDS.map((each) => ({ record: each, base: null }));
  const partial = await store.merge({ mode: 'partial', records: pushed });
  await store.merge({
    mode: 'complete',
    records: pushed.filter((_, index) => partial.outcomes?.[index] === 'deferred'),
    exchange: {
      store: 'b',
      incarnation: 'bbbbbbbb',
      knowledge: { [PEER]: 4 },
      collectedStamp: 0,
      upTo: 4,
    },
    receiver: store.hello().incarnation,
  });
  store.disk.roundOver();
  while (store.hello().readOnly !== null) await sleep(10);
}

if (import.meta.main) {
  const [root = ''] = process.argv.slice(2);
  const store = await storeUnder(root);
  await rebuild(store);
  writeSync(1, 'rebuilt\n');
  process.exit(0);
}
