/**
 * The unit that mounts the data disk. It hangs on the disk's device unit (systemd.device(5)), so that a disk that comes late,
 * or is plugged in later, is mounted when it appears; nothing waits for it at start, and nothing fails without it.
 */
import { paths } from './places.ts';

export const MOUNT_UNIT = 'srv-cloudroid.mount';
const unitFolder = '/etc/systemd/system';
/** Those that keep what fsync(2) promised, and names as they are. */
export const DISK_TYPES: readonly string[] = ['ext4', 'xfs', 'btrfs', 'f2fs'];

export interface UnitFiles {
  readonly unit: string;
  readonly text: string;
  /** Link to the unit: the device wants it. */
  readonly link: string;
}

/** systemd-escape(1) with --path. */
export function escapedPath(path: string): string {
  return path
    .replace(/^\/+|\/+$/g, '')
    .replaceAll(/\/+/g, '/')
    .split('')
    .map((letter, index) => {
      if (letter === '/') return '-';
      if (/[A-Za-z0-9:_]/.test(letter) || (letter === '.' && index > 0)) return letter;
      return `\\x${letter.charCodeAt(0).toString(16).padStart(2, '0')}`;
    })
    .join('');
}

/** `LABEL=CLOUDROID-DATA`, `UUID=...` or a path, as the device that udev makes for it. */
export function deviceOf(disk: string): string {
  const [, kind, name] = /^(LABEL|UUID)=(.*)$/.exec(disk) ?? [];
  return kind === undefined ? disk : `/dev/disk/by-${kind.toLowerCase()}/${name}`;
}

export function unitFilesFor(disk: string): UnitFiles {
  const device = deviceOf(disk);
  const escaped = escapedPath(device);
  const text = `# Made by cloudroid setup from cloudroid.txt; do not edit.
[Unit]
Description=Data disk of Cloudroid (${disk})
Requires=systemd-fsck@${escaped}.service
After=systemd-fsck@${escaped}.service
# Pulled out, it is no longer mounted; plugged in again, it is mounted anew.
BindsTo=${escaped}.device
After=${escaped}.device
# A disk that was just formatted belongs to root.
Wants=cloudroid-data-disk.service

[Mount]
What=${device}
Where=${paths.data}
# No other kind: FAT and NTFS keep neither owners nor what was promised to clients.
Type=${DISK_TYPES.join(',')}
Options=noatime,nosuid,nodev,noexec,nofail
TimeoutSec=90s
# Files of a disk that was pulled out may still be open.
LazyUnmount=yes
`;
  return {
    unit: `${unitFolder}/${MOUNT_UNIT}`,
    text,
    link: `${unitFolder}/${escaped}.device.wants/${MOUNT_UNIT}`,
  };
}
