/** A board as a tree of files: `cloudroid setup` works on it, and what it tells the system is written down. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Machine, Ran } from '../../src/appliance/machine.ts';
import { type SetupReport, setUp } from '../../src/appliance/setup.ts';
import { acceptDisk } from '../../src/storage/rebuild/state-marks.ts';

export const KEY = `cloudroid-network-key-1 ${Buffer.alloc(32, 7).toString('base64url')}`;
export const OTHER_KEY = `cloudroid-network-key-1 ${Buffer.alloc(32, 9).toString('base64url')}`;
export const LABELLED = '/dev/disk/by-label/CLOUDROID-DATA';

export class Board implements Machine {
  readonly root: string;
  /** Programs that were run, as command lines. */
  ran: string[] = [];
  /** Answers of programs, by the name; else they are content and say nothing. */
  readonly answers = new Map<string, Ran>([['blkid', { ok: true, output: 'ext4' }]]);
  /** What happens while setup waits. */
  whileWaiting: () => void = () => undefined;
  /** Milliseconds that it waited. */
  waited = 0;

  constructor(root: string) {
    this.root = root;
    this.write('/etc/machine-id', '0123456789abcdef0123456789abcdef\n');
    this.write('/etc/hostname', 'localhost\n');
    this.write('/usr/share/zoneinfo/Europe/Berlin', 'TZif');
    mkdirSync(join(root, 'srv/cloudroid'), { recursive: true });
    mkdirSync(join(root, 'boot/cloudroid'), { recursive: true });
  }

  async run(program: string, args: readonly string[]): Promise<Ran> {
    this.ran.push([program, ...args].join(' '));
    return this.answers.get(program) ?? { ok: true, output: '' };
  }

  async pause(ms: number): Promise<void> {
    this.waited += ms;
    this.whileWaiting();
  }

  at(path: string): string {
    return join(this.root, path);
  }

  write(path: string, content: string | Buffer): void {
    mkdirSync(dirname(this.at(path)), { recursive: true });
    writeFileSync(this.at(path), content);
  }

  read(path: string): string {
    return readFileSync(this.at(path), 'utf8');
  }

  has(path: string): boolean {
    return existsSync(this.at(path));
  }

  /** Null: there is none. */
  errors(): string | null {
    return this.has('/boot/cloudroid/cloudroid-errors.txt')
      ? this.read('/boot/cloudroid/cloudroid-errors.txt')
      : null;
  }

  /** A start of the board, after cloudroid.txt was written anew. */
  async boot(text?: string | Buffer): Promise<SetupReport> {
    if (text !== undefined) this.write('/boot/cloudroid/cloudroid.txt', text);
    this.ran = [];
    this.waited = 0;
    return await setUp({ root: this.root, bootFolder: '/boot/cloudroid', machine: this, acceptDisk });
  }
}

export async function withBoard(work: (board: Board) => Promise<void>): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'cloudroid-board-'));
  try {
    await work(new Board(root));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
