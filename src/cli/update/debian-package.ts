/** What dpkg knows of a package file and of the installed package. */
import { setTimeout as sleep } from 'node:timers/promises';
import { machineSays } from './machine-says.ts';

export const PACKAGE = 'cloudroid';

/** Ten minutes in all. */
const LOCKED_TRIES = 60;
const LOCKED_MS = 10_000;

export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Format of the catalog that this version writes; '' for packages that do not tell. */
  readonly catalog: string;
  /** Kibibytes on the disk. */
  readonly installedKib: number;
}

const FIELDS = ['Package', 'Version', 'Architecture', 'Cloudroid-Catalog', 'Installed-Size'] as const;

function packageOf(lines: readonly string[]): DebianPackage {
  const [name = '', version = '', architecture = '', catalog = '', size = '0'] = lines;
  return { name, version, architecture, catalog, installedKib: Number(size) || 0 };
}

/** Rejects when the file is none, or damaged: it is read to its end. */
export async function readPackage(file: string): Promise<DebianPackage> {
  await machineSays('sh', ['-c', 'dpkg-deb --fsys-tarfile "$1" >/dev/null', 'sh', file], 600_000);
  const values = await Promise.all(FIELDS.map((field) => machineSays('dpkg-deb', ['--field', file, field])));
  return packageOf(values);
}

/** Null: it is not installed as a package. */
export async function installedPackage(): Promise<DebianPackage | null> {
  const format = FIELDS.map((field) => `\${${field}}`).join('\\n');
  try {
    const [status, ...lines] = (
      await machineSays('dpkg-query', ['--show', `--showformat=\${db:Status-Status}\\n${format}`, PACKAGE])
    ).split('\n');
    return status === 'installed' ? packageOf(lines) : null;
  } catch {
    return null;
  }
}

export async function isNewer(one: string, other: string): Promise<boolean> {
  try {
    await machineSays('dpkg', ['--compare-versions', one, 'gt', other]);
    return true;
  } catch {
    return false;
  }
}

/** Of this machine: amd64, arm64. */
export async function ownArchitecture(): Promise<string> {
  return await machineSays('dpkg', ['--print-architecture']);
}

/** With the configuration that is there, asking nobody. */
export async function install(file: string): Promise<void> {
  const options = ['--force-confdef', '--force-confold', '--install', file];
  for (let tries = LOCKED_TRIES; ; tries -= 1) {
    try {
      await machineSays('env', ['DEBIAN_FRONTEND=noninteractive', 'dpkg', ...options], 900_000);
      return;
    } catch (error) {
      // The security updates that come by themselves take it for minutes.
      const locked =
        error instanceof Error && /is locked by another process|dpkg frontend lock/.test(error.message);
      if (!locked || tries === 0) throw error;
      await sleep(LOCKED_MS);
    }
  }
}
