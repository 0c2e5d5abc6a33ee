/** Room, the mount that must be there, and whether the disks can be written. */
import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Settings } from '../../config/settings-api.ts';
import { isMountPoint } from '../../storage/disk/mount-point.ts';
import { formatBytes } from '../status-page.ts';
import { type Finding, messageOf, ok, problem, warning } from './finding.ts';

/** With less a few days of a camera fill it. */
const SCARCE = 0.05;
const SCARCE_BYTES = 2 * 2 ** 30;

export function checkDisks({ filesDir, stateDir, mountDir }: Settings): Finding[] {
  return [
    ...mounted(mountDir),
    ...room('disk of the files', filesDir),
    ...room('disk of the catalog', stateDir),
  ];
}

function mounted(dir: string | null): Finding[] {
  if (dir === null) return [];
  if (isMountPoint(dir)) return [ok('data disk', `is mounted on ${dir}`)];
  const cure =
    'Plug it in; it is noticed by itself. If it is broken: docs/install.md, "put in a disk". Nothing is stored on this board meanwhile.';
  return [problem('data disk', `nothing is mounted on ${dir}`, cure)];
}

function room(check: string, dir: string): Finding[] {
  let place = dir;
  while (!existsSync(place) && dirname(place) !== place) place = dirname(place);
  if (place !== dir) return [warning(check, `${dir} is not there yet`, 'It is made at the first start.')];
  try {
    const { bavail, blocks, bsize, ffree, files } = statfsSync(dir);
    const free = bavail * bsize;
    const text = `${dir}: ${formatBytes(free)} of ${formatBytes(blocks * bsize)} free`;
    const scarce = free < SCARCE_BYTES || free < blocks * bsize * SCARCE;
    const found = scarce
      ? warning(
          check,
          text,
          'Delete files, or cloudroid trash empty; move to a bigger disk: docs/install.md.',
        )
      : ok(check, text);
    const fewInodes = files > 0 && ffree < files * SCARCE;
    const inodes = fewInodes
      ? [
          warning(
            check,
            `${dir}: hardly any more files fit (inodes)`,
            'Delete files, or make the file system anew with more inodes.',
          ),
        ]
      : [];
    return [found, ...inodes, ...writable(check, dir)];
  } catch (error) {
    return [problem(check, messageOf(error), 'Check the disk (dmesg, smartctl).')];
  }
}

function writable(check: string, dir: string): Finding[] {
  try {
    accessSync(dir, constants.W_OK);
    return [];
  } catch (error) {
    return [
      problem(
        check,
        `cannot be written: ${messageOf(error)}`,
        'A disk that turned read-only is mostly failing (dmesg tells). Else: does it belong to the user of the services?',
      ),
    ];
  }
}
