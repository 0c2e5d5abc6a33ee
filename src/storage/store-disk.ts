/** What a store says of its disk and catalog, and what the operator says to it (`cloudroid disk`). */
import type { ExchangeEnd } from '../peers/protocol.ts';
import type { Catalog } from './catalog/catalog.ts';
import {
  confirmToken,
  type Distrusted,
  distrusted,
  forgetDistrust,
  renewToken,
} from './disk/opening-token.ts';
import type { Volume } from './disk/volume.ts';
import type { GroupCommit } from './group-commit.ts';
import { restored } from './rebuild/open-catalog.ts';
import { Rebuild, type RebuildParts } from './rebuild/rebuild.ts';
import { rebuildState } from './rebuild/rebuild-state.ts';
import type { AcceptedDisk } from './rebuild/state-marks.ts';
import { acceptDisk } from './rebuild/state-marks.ts';
import type { StoreOptions } from './store-api.ts';
import type { StoreDisk } from './store-disk-api.ts';
import { message } from './store-errors.ts';
import type { WriteGuard } from './write-guard.ts';

export interface StoreDiskParts {
  readonly catalog: Catalog;
  readonly volume: Volume;
  readonly stateDir: string;
  readonly queue: GroupCommit;
  readonly guard: WriteGuard;
  readonly log: StoreOptions['log'];
}

export class DiskOfStore implements StoreDisk {
  readonly #parts: StoreDiskParts;
  #sweepWanted: () => void = () => undefined;
  #wanted = false;

  constructor(parts: StoreDiskParts) {
    this.#parts = parts;
  }

  /** A rebuild that is under way. */
  goOn(parts: Omit<RebuildParts, 'onGathered' | 'onFinished'>): void {
    const { guard, catalog } = this.#parts;
    const state = rebuildState(catalog);
    if (state === undefined) return;
    guard.rebuild = new Rebuild(
      {
        ...parts,
        onGathered: () => this.wantSweep(),
        onFinished: () => {
          guard.rebuild = undefined;
          this.wantSweep();
        },
      },
      state,
    );
    guard.rebuild.start();
  }

  /** An orderly end: a catalog that was copied while the store was open is older from now on. */
  async markEnd(): Promise<void> {
    const { catalog, guard, volume, log } = this.#parts;
    if (guard.readOnly !== null || !volume.isPresent()) return;
    try {
      await renewToken(catalog, volume.filesDir);
      catalog.transaction(() => confirmToken(catalog));
    } catch (error) {
      log('warn', 'the end of the run could not be noted', { error: message(error) });
    }
  }

  /** Inside the transaction that ends a complete exchange. */
  noteExchange(exchange: ExchangeEnd): void {
    this.#parts.guard.rebuild?.noteExchange(exchange);
  }

  accept(what: AcceptedDisk): void {
    acceptDisk(this.#parts.stateDir, what);
  }

  async rebuildAlone(): Promise<boolean> {
    const { rebuild } = this.#parts.guard;
    await rebuild?.alone();
    return rebuild !== undefined;
  }

  roundOver(): void {
    this.#parts.guard.rebuild?.roundOver();
  }

  onSweepWanted(call: () => void): void {
    this.#sweepWanted = call;
    if (this.#wanted) call();
  }

  /** Something is to be looked at or fetched now. */
  wantSweep(): void {
    this.#wanted = true;
    this.#sweepWanted();
  }

  noticeError(error: unknown): void {
    this.#parts.guard.notice(error);
  }

  distrust(): Distrusted | null {
    return distrusted(this.#parts.catalog);
  }

  async trustAgain(): Promise<void> {
    const { catalog, queue, guard } = this.#parts;
    if (this.distrust() === null) return;
    await guard.writing(undefined, () =>
      queue.run({ path: undefined, execute: async () => forgetDistrust(catalog) }),
    );
  }

  notices(): readonly string[] {
    const { filesDir } = this.#parts.volume;
    const older = this.distrust();
    return older === null ? [] : [restored(older, filesDir)];
  }
}
