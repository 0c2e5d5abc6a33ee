/** A file system of its own for one member's data: ext4 in an image on a loop device, whose power can be cut. Takes root. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, truncateSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** Asks the running kernel for what Node.js has no call for; flag 2: nothing that was not flushed survives, the log neither. */
const SHUTDOWN = `
import fcntl, os, struct, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
fcntl.ioctl(fd, 0x8004587D, struct.pack('I', int(sys.argv[2])))
`;

function sh(program: string, ...args: readonly string[]): string | null {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  return status === 0 ? null : `${program} ${args[0] ?? ''}: ${(error?.message ?? stderr).trim()}`;
}

function must(program: string, ...args: readonly string[]): void {
  const wrong = sh(program, ...args);
  if (wrong !== null) throw new Error(wrong);
}

export class LoopVolume {
  readonly image: string;
  readonly folder: string;
  #mounted = false;

  private constructor(image: string, folder: string) {
    this.image = image;
    this.folder = folder;
  }

  /** The reason why not, where that cannot be done. */
  static make(image: string, folder: string, megabytes: number): LoopVolume | string {
    if (process.getuid?.() !== 0) return 'a loop device takes root';
    closeSync(openSync(image, 'w'));
    truncateSync(image, megabytes * 1024 * 1024);
    mkdirSync(folder, { recursive: true });
    const volume = new LoopVolume(image, folder);
    const wrong = sh('mkfs.ext4', '-q', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0', image);
    if (wrong !== null) return wrong;
    try {
      volume.mount();
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    return volume;
  }

  mount(): void {
    must('mount', '-o', 'loop', this.image, this.folder);
    this.#mounted = true;
  }

  /** From now on every call fails, and what was not flushed is gone. `logflush`: the journal is written out first. */
  cutPower(kind: 'nologflush' | 'logflush' = 'nologflush'): void {
    must('python3', '-c', SHUTDOWN, this.folder, kind === 'nologflush' ? '2' : '1');
  }

  /** Killed processes let go of it a moment later. */
  async unmount(): Promise<void> {
    if (!this.#mounted) return;
    for (let attempt = 0; attempt < 40; attempt += 1) {
      if (sh('umount', this.folder) === null) {
        this.#mounted = false;
        return;
      }
      await pause(100);
    }
    must('umount', '-l', this.folder);
    this.#mounted = false;
  }
}
