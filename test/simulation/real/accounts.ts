/**
 * Accounts in the network of real stores: made, changed, removed and spoilt by hand. What must hold at the end, on every
 * board: of all acknowledged writes of an account the highest in the order of winners stands (so no removal and no sole
 * write is lost), with its text, and nothing is left of any other.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ACCOUNTS_DIR, accountPath } from '../../../src/replication/account-path.ts';
import type { Operation } from '../../../src/replication/operation.ts';
import { compareRecords } from '../../../src/replication/order.ts';
import type { ReplicaRecord } from '../../../src/replication/record.ts';
import type { Store } from '../../../src/storage/store-api.ts';
import type { Random } from '../random.ts';

const NAMES = ['anna', 'bert'];

export interface AccountBoard {
  readonly name: string;
  readonly filesDir: string;
  readonly store: Store;
}

type Contents = { readonly [sha256: string]: { readonly inline: string } };
/** Null: refused. */
export type Commit = (operation: Operation, content: Contents) => Promise<readonly ReplicaRecord[] | null>;

export class RealAccounts {
  readonly #random: Random;
  readonly #acknowledged: ReplicaRecord[] = [];
  readonly #texts = new Map<string, string>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** What was done, for the story. */
  async step(board: AccountBoard, boards: readonly AccountBoard[], commit: Commit): Promise<string> {
    const path = accountPath(this.#random.pick(NAMES));
    const kind = this.#random.weighted({ put: 6, delete: 3, spoil: 2 });
    if (kind === 'put') {
      const text = `account ${this.#texts.size + 1}`;
      const sha256 = createHash('sha256').update(text).digest('hex');
      this.#texts.set(sha256, text);
      const content = { [sha256]: { inline: Buffer.from(text).toString('base64') } };
      const operation = { op: 'put', path, size: text.length, sha256 } as const;
      this.#acknowledged.push(...((await commit(operation, content)) ?? []));
    } else if (kind === 'delete')
      this.#acknowledged.push(...((await commit({ op: 'delete', path }, {})) ?? []));
    else this.#spoil(board, boards, path);
    return `account ${kind} at ${board.name} ${path}`;
  }

  /** Edited by hand, where another board has the bytes. */
  #spoil(board: AccountBoard, boards: readonly AccountBoard[], path: string): void {
    const sha256 = board.store.record(path).entry?.sha256;
    const holds = (other: AccountBoard): boolean =>
      other !== board &&
      other.store.record(path).entry?.sha256 === sha256 &&
      existsSync(other.filesDir + path);
    if (sha256 !== undefined && boards.some(holds)) writeFileSync(board.filesDir + path, 'my own password');
  }

  /** `restored`: a disk was put back, and with it went what only it had. */
  async judge(boards: readonly AccountBoard[], restored: boolean): Promise<string[]> {
    const broken: string[] = [];
    for (const { name, store, filesDir } of boards) {
      const wanted: string[] = [];
      const stored = [...store.changes(0).records].filter(({ path }) => path.startsWith('/.cloudroid'));
      for (const path of NAMES.map(accountPath)) {
        const now = stored.find((record) => record.path === path);
        const highest = this.#highest(path);
        if (now?.kind === 'file') wanted.push(`${path} ${this.#texts.get(now.sha256)}`);
        const isHighest = now?.dot.join() === highest?.dot.join();
        if (!isHighest && !restored)
          broken.push(`${name}: ${path} is ${now?.dot.join()}, not ${highest?.dot.join()}`);
      }
      if (stored.length > NAMES.length || stored.some(({ kept }) => kept.length > 0))
        broken.push(`${name}: traces of copies: ${stored.map(({ path }) => path).join()}`);
      const { accounts } = await store.accounts.read({ digest: 'none yet' });
      const told = (accounts ?? []).map((file) => `${accountPath(file.name)} ${file.text}`);
      if (told.join() !== wanted.join()) broken.push(`${name}: tells ${told.join()}, not ${wanted.join()}`);
      const onDisk = readdirSync(join(filesDir, ACCOUNTS_DIR));
      if (onDisk.length !== wanted.length) broken.push(`${name}: on the disk are ${onDisk.join()}`);
    }
    return broken;
  }

  #highest(path: string): ReplicaRecord | undefined {
    return this.#acknowledged
      .filter((record) => record.path === path)
      .reduce<ReplicaRecord | undefined>(
        (best, each) => (best === undefined || compareRecords(each, best) > 0 ? each : best),
        undefined,
      );
  }
}
