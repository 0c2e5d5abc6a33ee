/** Where `cloudroid setup` reads and writes: paths as on the board, below a root that a test puts elsewhere. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemCodeOf } from '../system/exit-status.ts';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export class Places {
  readonly root: string;
  /** The FAT partition, readable with any PC. */
  readonly boot: string;

  constructor(root: string, bootFolder: string) {
    this.root = root;
    this.boot = join(root, bootFolder);
  }

  /** Of a path on the board. */
  at(path: string): string {
    return join(this.root, path);
  }

  inBoot(name: string): string {
    return join(this.boot, name);
  }

  /** Null: no such file. */
  read(path: string): string | null {
    try {
      return readFileSync(this.at(path), 'utf8');
    } catch (error) {
      if (systemCodeOf(error) === 'ENOENT') return null;
      throw error;
    }
  }

  has(path: string): boolean {
    return existsSync(this.at(path));
  }

  /** The user that the services run as; null: not known there, or nobody may give files away. */
  serviceUser(): Owner | null {
    if (process.getuid?.() !== 0) return null;
    const line = (this.read('/etc/passwd') ?? '').split('\n').find((one) => one.startsWith('cloudroid:'));
    const [, , uid, gid] = line?.split(':') ?? [];
    return uid === undefined || gid === undefined ? null : { uid: Number(uid), gid: Number(gid) };
  }
}

export const paths = {
  state: '/var/lib/cloudroid',
  networkKey: '/var/lib/cloudroid/network.key',
  guestWish: '/var/lib/cloudroid/guest-wish',
  own: '/var/lib/cloudroid-setup',
  peers: '/etc/cloudroid/PEERS.txt',
  dropIn: '/etc/cloudroid/cloudroid.json.d/50-cloudroid-txt.json',
  data: '/srv/cloudroid',
} as const;
