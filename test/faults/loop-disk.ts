/** An ext4 file system of a test's own, on a loop device, whose power can be cut. Takes root. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { tempDirs } from '../storage/opened-store.ts';

/**
 * EXT4_IOC_SHUTDOWN, for which Node.js has no call. Flag 2 (NOLOGFLUSH): the journal is not written out first, so that
 * what nobody flushed is gone, as with the power.
 */
const SHUTDOWN = `
import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587D, struct.pack('I', 2))
`;

const MEGABYTES = 48;

/** Null: done. */
function attempt(program: string, ...args: readonly string[]): string | null {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  return status === 0 ? null : `${program}: ${(error?.message ?? stderr).trim()}`;
}

function must(program: string, ...args: readonly string[]): void {
  const wrong = attempt(program, ...args);
  if (wrong !== null) throw new Error(wrong);
}

export class LoopDisk {
  readonly folder: string;
  readonly #image: string;
  #mounted = false;

  private constructor(image: string, folder: string) {
    this.#image = image;
    this.folder = folder;
  }

  /** Null, after saying so, where that cannot be done. */
  static make(t: ExecutionContext): LoopDisk | null {
    const { root } = tempDirs(t);
    const image = join(root, 'image');
    const disk = new LoopDisk(image, join(root, 'mounted'));
    mkdirSync(disk.folder);
    closeSync(openSync(image, 'w'));
    truncateSync(image, MEGABYTES * 1024 * 1024);
    const wrong = attempt('mkfs.ext4', '-q', '-F', image) ?? disk.#tryMount() ?? disk.#tryPowerCut();
    if (wrong !== null) {
      t.log(`skipped: the power of a disk cannot be cut here (${wrong})`);
      t.pass();
      return null;
    }
    t.teardown(() => disk.unmount());
    return disk;
  }

  /** From here on every call to the disk fails, and what was not flushed is gone. */
  cutPower(): void {
    must('python3', '-c', SHUTDOWN, this.folder);
  }

  /** The power is back. Whoever used the disk must be gone. */
  async mountAgain(): Promise<void> {
    await this.unmount();
    const wrong = this.#tryMount();
    if (wrong !== null) throw new Error(wrong);
  }

  async unmount(): Promise<void> {
    if (!this.#mounted) return;
    for (let left = 40; attempt('umount', this.folder) !== null; left -= 1) {
      // The kernel lets go of a killed process's files a moment after its end.
      if (left === 0) must('umount', '-l', this.folder);
      else await pause(100);
    }
    this.#mounted = false;
  }

  #tryMount(): string | null {
    const wrong = attempt('mount', '-o', 'loop', this.#image, this.folder);
    this.#mounted = wrong === null;
    return wrong;
  }

  /** Some kernels and some users may mount but not do that. */
  #tryPowerCut(): string | null {
    const wrong = attempt('python3', '-c', SHUTDOWN, this.folder);
    must('umount', this.folder);
    this.#mounted = false;
    return wrong ?? this.#tryMount();
  }
}
