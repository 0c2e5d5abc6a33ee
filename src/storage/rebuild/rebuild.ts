/**
 * A catalog that is lost or damaged, made anew: from the files of the volume and the records of the other members.
 *
 *   move (move-aside.ts)   the users' files to .cloudroid/salvage, by renames, before anything else happens
 *   hash (gather.ts)       listed and hashed; nothing is merged yet, or bytes that are here would be fetched
 *   pull                   the own sweep takes the records of the peers; bytes come from the salvage by links
 *   settle (settle.ts)     when a round of the sweep is over in which all that a peer knew was taken: what no record has
 *                          claimed becomes a new write, a conflict, or trash
 *
 * Clients write nothing until the end: a member that knows of no deletion must not bring back what it finds on its disk. A
 * member that is alone waits for the operator. Every step may be cut short and is taken up at the next start.
 */

import { readdir } from 'node:fs/promises';
import type { ExchangeEnd } from '../../peers/protocol.ts';
import { Refusal } from '../../replication/operation.ts';
import { failpoint } from '../../system/failpoint.ts';
import type { SalvagedFile } from '../catalog/salvage-table.ts';
import { salvageDirOf } from '../disk/salvage-dir.ts';
import { message } from '../store-errors.ts';
import { hashSalvage, listSalvage } from './gather.ts';
import { noteRebuild, type RebuildState, rebuildState } from './rebuild-state.ts';
import { dropSettled, type Fate, removeEmptyFolders, type SettleContext, settle } from './settle.ts';

export interface RebuildParts extends SettleContext {
  readonly log: (level: 'info' | 'warn' | 'error', message: string, details?: object) => void;
  /** Everything is hashed: the sweep may begin. */
  readonly onGathered: () => void;
  readonly onFinished: () => void;
}

const RETRY_MS = 10_000;
const PAGE = 500;
const CONCURRENT = 16;

export class Rebuild {
  readonly #parts: RebuildParts;
  #state: RebuildState;
  #stopped = false;
  #running: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  /** A round ended since the files are hashed: whoever can be reached was asked. */
  #roundOver = false;
  /** Files found, and how many are hashed or, later, settled. */
  #files = 0;
  #done = 0;

  constructor(parts: RebuildParts, state: RebuildState) {
    this.#parts = parts;
    this.#state = state;
  }

  /** Goes on where it was; call once. */
  start(): void {
    this.#run();
  }

  /** Records may be taken from peers. */
  get takesRecords(): boolean {
    return this.#state.phase === 'pull' || this.#state.phase === 'settle';
  }

  /** For people: what is going on, and what they may do. */
  get reason(): string {
    const why = 'The catalog of this member was lost and is rebuilt';
    const { phase } = this.#state;
    if (phase === 'settle')
      return `${why}: ${this.#done} of ${this.#files} files found on the disk are settled.`;
    if (phase !== 'pull') {
      return `${why}: ${this.#done} of ${this.#files} files found on the disk are read. Clients write through the other members meanwhile.`;
    }
    return (
      `${why}: what was found on the disk (${this.#files === 1 ? '1 file' : `${this.#files} files`}) is compared with what another member has. If no other member ` +
      'can be reached any more: `cloudroid disk rebuild --alone` makes a new file of each.'
    );
  }

  /** Inside the transaction that ends a complete exchange. One that knows nothing itself does not count. */
  noteExchange({ knowledge, joining }: ExchangeEnd): void {
    const knowsLittle = joining === true || Object.keys(knowledge).length === 0;
    if (this.#state.phase !== 'pull' || knowsLittle) return;
    noteRebuild(this.#parts.catalog, { ...this.#state, exchanged: true });
  }

  /** A round of the own sweep is over: every peer that can be reached was asked. */
  roundOver(): void {
    this.#roundOver = true;
    if (this.#state.phase === 'pull' && this.#committed()?.exchanged === true) this.#run();
  }

  /** The operator says that there is nobody to wait for. */
  async alone(): Promise<void> {
    const { catalog, queue } = this.#parts;
    this.#state = { ...this.#state, alone: true };
    await queue.run({
      path: undefined,
      execute: async () => noteRebuild(catalog, { ...(this.#committed() ?? this.#state), alone: true }),
    });
    this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#retry);
    await this.#running;
  }

  #committed(): RebuildState | undefined {
    return rebuildState(this.#parts.catalog);
  }

  #run(): void {
    clearTimeout(this.#retry);
    if (this.#stopped) return;
    this.#running ??= this.#steps()
      .catch((error: unknown) => {
        // Read-only: nothing can be done before the next start.
        if (this.#stopped || (error instanceof Refusal && error.kind === 'read-only')) return;
        this.#parts.log('error', 'the rebuild of the catalog was broken off; it is tried again', {
          error: message(error),
        });
        this.#retry = setTimeout(() => this.#run(), RETRY_MS);
        this.#retry.unref();
      })
      .finally(() => {
        this.#running = undefined;
      });
  }

  async #steps(): Promise<void> {
    const { catalog, log } = this.#parts;
    if (this.#state.phase === 'hash') await this.#gather();
    if (this.#stopped || this.#state.phase === 'hash') return;
    if (this.#files === 0) this.#files = catalog.salvage.counts().files;
    const { phase, alone } = this.#state;
    const exchanged = this.#roundOver && this.#committed()?.exchanged === true;
    const mayEnd = this.#files === 0 || alone || exchanged;
    if (phase === 'pull' && !mayEnd) {
      log('warn', 'the rebuild of the catalog waits for a complete exchange with another member', {
        files: this.#files,
      });
      return;
    }
    if (phase === 'pull') await this.#enter('settle');
    await this.#settleAll();
  }

  async #gather(): Promise<void> {
    const { catalog, onGathered, log } = this.#parts;
    const stopped = () => this.#stopped;
    await listSalvage(this.#parts, stopped);
    if (this.#stopped) return;
    failpoint('rebuild:listed');
    const { files, hashed, bytes } = catalog.salvage.counts();
    this.#files = files;
    this.#done = hashed;
    log('info', 'files found on the disk are read for the rebuild of the catalog', { files, bytes });
    await hashSalvage(this.#parts, stopped, (more) => {
      this.#done += more;
    });
    if (this.#stopped) return;
    this.#files = catalog.salvage.counts().files;
    await this.#enter('pull');
    this.#roundOver = false;
    onGathered();
  }

  async #enter(phase: RebuildState['phase']): Promise<void> {
    const { catalog, queue } = this.#parts;
    await queue.run({
      path: undefined,
      execute: async () => noteRebuild(catalog, { ...(this.#committed() ?? this.#state), phase }),
    });
    this.#state = { ...this.#state, phase };
    failpoint(`rebuild:${phase}`);
  }

  async #settleAll(): Promise<void> {
    const { catalog, queue, log, volume, onFinished } = this.#parts;
    const fates: { [fate in Fate]?: number } = {};
    this.#done = 0;
    for (let after = ''; ; ) {
      const page = catalog.salvage.page(after, PAGE);
      if (page.length === 0) break;
      after = page.at(-1)?.path ?? after;
      await this.#settlePage(page, fates);
      if (this.#stopped) return;
    }
    if (catalog.salvage.counts().files > 0) throw new Error('some files of the lost catalog are not settled');
    const clean = await removeEmptyFolders(salvageDirOf(volume), readdir);
    failpoint('rebuild:cleared');
    await queue.run({
      path: undefined,
      execute: async () => {
        // There is nobody to join, the operator says: what is here is all there is, accounts too.
        if (this.#committed()?.alone === true) catalog.joined();
        noteRebuild(catalog, null);
      },
    });
    log(clean ? 'info' : 'warn', 'the lost catalog is rebuilt', {
      ...fates,
      ...(clean ? {} : { 'could not be taken in': salvageDirOf(volume) }),
    });
    onFinished();
  }

  /** One that cannot be settled does not hold up the others. */
  async #settlePage(page: readonly SalvagedFile[], fates: { [fate in Fate]?: number }): Promise<void> {
    const left = [...page];
    const settled: SalvagedFile[] = [];
    const work = async (): Promise<void> => {
      for (let saved = left.shift(); saved !== undefined && !this.#stopped; saved = left.shift()) {
        try {
          const fate = await settle(this.#parts, saved);
          fates[fate] = (fates[fate] ?? 0) + 1;
          settled.push(saved);
        } catch (error) {
          this.#parts.log('warn', 'a file of the lost catalog cannot be settled yet', {
            path: saved.path,
            error: message(error),
          });
        }
      }
    };
    await Promise.all(Array.from({ length: CONCURRENT }, work));
    if (settled.length > 0) await dropSettled(this.#parts, settled);
    this.#done += settled.length;
  }
}
