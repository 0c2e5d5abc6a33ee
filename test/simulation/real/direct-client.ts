/** A replica in this process: the real store behind the calls of the peer protocol, over a wire that loses what it likes. */
import type { Readable } from 'node:stream';
import type { ReplicaClient } from '../../../src/peers/replica-client-api.ts';
import { ReplicaUnreachable } from '../../../src/peers/replica-client-api.ts';
import type { Store } from '../../../src/storage/store-api.ts';

export interface Wire {
  /** Whether this request, and its answer, get through. */
  passes(): { readonly request: boolean; readonly answer: boolean };
}

/** `store`: as it is at each call, for it may be restarted; undefined: down. `own`: paths of the disk are told. */
export function directClient(store: () => Store | undefined, wire: Wire, own: boolean): ReplicaClient {
  const ask = async <T>(call: (store: Store) => T | Promise<T>): Promise<T> => {
    const { request, answer } = wire.passes();
    const there = store();
    if (!request || there === undefined) throw new ReplicaUnreachable('lost on its way');
    const result = await call(there);
    if (!answer) throw new ReplicaUnreachable('the answer was lost');
    return result;
  };
  const client: Partial<ReplicaClient> = {
    endpoint: { host: 'here', port: 1 },
    hello: () => ask((there) => there.hello()),
    record: ({ path, local }) =>
      ask((there) => {
        const { entry, record, disk } = there.record(path);
        return own && local === true && disk !== undefined ? { entry, record, disk } : { entry, record };
      }),
    stage: (request) =>
      ask(async (there) => {
        const { size, diskPath } = await there.stage(request, own ? 'own process' : 'peer');
        return own ? { size, path: diskPath } : { size };
      }),
    dropStaging: (id) => ask((there) => there.dropStaging(id)),
    commit: (request) => ask((there) => there.commit(request)),
    merge: (request) => ask((there) => there.merge(request)),
    changes: (after) =>
      ask((there) => {
        const { header, records } = there.changes(after);
        return { header, records: each(records) };
      }),
    tree: {
      nodes: () => ask((there) => there.tree.nodes()),
      bucketsBelow: (nodes) => ask((there) => there.tree.bucketsBelow(nodes)),
      records: (buckets) =>
        ask((there) => {
          const { header, records } = there.tree.records(buckets);
          return { header, records: each(records) };
        }),
    },
    upkeep: {
      files: (after) => ask((there) => there.upkeep.files(after)),
      folder: (dir) => ask((there) => [...there.upkeep.folder(dir)]),
      missing: (after) => ask((there) => there.upkeep.missing(after)),
      forget: (forgotten) => ask((there) => there.upkeep.forget(forgotten)),
      damaged: (report) => ask((there) => there.upkeep.damaged(report)),
      repair: (sha256) => ask((there) => there.upkeep.repair(sha256)),
      remakeFolder: (path) => ask((there) => there.upkeep.remakeFolder(path)),
      adopt: (adoption) => ask((there) => there.upkeep.adopt(adoption)),
      discard: (unknown) => ask((there) => there.upkeep.discard(unknown)),
      suspect: (path) => ask((there) => void there.upkeep.suspect(path)),
      suspects: () => ask((there) => there.upkeep.takeSuspects()),
      state: (set) =>
        ask(async (there) => {
          if (set !== undefined) {
            const { distrust, ...noted } = set;
            await there.upkeep.setState(noted);
            if (distrust === null) await there.disk.trustAgain();
          }
          return { ...there.upkeep.state(), distrust: there.disk.distrust() };
        }),
    },
    accounts: {
      read: (digest) => ask((there) => there.accounts.read({ digest })),
      usage: (path) => ask((there) => there.accounts.usage(path)),
    },
    members: {
      join: (request) => ask((there) => there.members.join(request)),
      retire: (member) => ask((there) => there.members.retire(member)),
      collect: (request) => ask((there) => there.members.collect(request)),
    },
    // Lost before it is opened, so that nobody has to close it.
    readObject: async (sha256, offset): Promise<Readable> => {
      await ask((there) => there.hello());
      const there = store();
      if (there === undefined) throw new ReplicaUnreachable('down');
      const { handle } = await there.openObject(sha256);
      return handle.createReadStream({ start: offset });
    },
    cursor: (request) => ask((there) => there.cursor(request)),
    sweep: async () => ({ request: 0 }),
    lock: async () => ({ release: async () => undefined }),
    report: async ({ sweep }) => {
      if (sweep?.state === 'idle') store()?.disk.roundOver();
    },
    status: () =>
      ask((there) => {
        const hello = there.hello();
        return { hello, ...there.counts() } as Awaited<ReturnType<ReplicaClient['status']>>;
      }),
    close: () => undefined,
  };
  return client as ReplicaClient;
}

async function* each<T>(values: Iterable<T>): AsyncGenerator<T, void> {
  yield* values;
}
