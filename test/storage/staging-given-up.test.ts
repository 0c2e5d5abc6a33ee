/** A client that aborts at once: its staging file goes while it is still being prepared. That is no failure of the disk. */
import test from 'ava';
import { Refusal } from '../../src/replication/operation.ts';
import { openedStore, operationId, put, sha256Of } from './opened-store.ts';

const CONTENT = 'x'.repeat(30_000);
const ROUNDS = 150;

test('a staging file that is dropped while its prefix is copied, or while it is opened to go on, is refused and no disk is blamed', async (t) => {
  const told: string[] = [];
  const { store } = await openedStore(t, { log: (_level, message) => told.push(message) });
  await put(store, '/f', CONTENT);
  const refusals = new Set<string>();
  let lost = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const id = operationId();
    const work = async (): Promise<void> => {
      await store.stage({ id, prefix: { sha256: sha256Of(CONTENT), length: 20_000 } }, 'peer');
      const writer = await store.writeStaging(id, 20_000);
      await writer.abort();
    };
    const working = work().catch((error: unknown) => {
      lost += 1;
      refusals.add(error instanceof Refusal ? error.kind : String(error));
    });
    // Somewhere in the middle.
    for (let turn = round % 50; turn > 0; turn -= 1) await new Promise((resolve) => setImmediate(resolve));
    await store.dropStaging(id);
    await working;
    await store.dropStaging(id);
  }
  t.log(`${lost} of ${ROUNDS} were given up in the middle: ${[...refusals].join(', ')}`);
  t.true(lost > 0);
  t.deepEqual(
    [...refusals].filter((kind) => !['missing-content', 'invalid', 'not-found'].includes(kind)),
    [],
  );
  t.deepEqual(
    told.filter((message) => message.includes('failed')),
    [],
  );
});
