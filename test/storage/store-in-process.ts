/** The store of a process that is about to be killed, with everything it keeps under one folder. */
import { join } from 'node:path';
import { openStore } from '../../src/storage/store.ts';

export function storeUnder(root: string): ReturnType<typeof openStore> {
  return openStore({
    filesDir: join(root, 'files'),
    stateDir: join(root, 'state'),
    member: 'odroid-a-0001',
    name: 'odroid-a',
    now: Date.now,
    log: () => {},
    reserveBytes: 0,
  });
}
