/** The board's name: the one that was given, else `cloudroid-xxxx`, different on every board. */
import { createHash } from 'node:crypto';
import type { Machine } from './machine.ts';
import type { Places } from './places.ts';
import { replaceFile } from './replace-file.ts';

/** Names that images come with; nobody chose them, and two boards of one kind would be called the same. */
const unchosen = /^(|localhost(\.localdomain)?|cloudroid|debian|odroid[a-z0-9]{0,4}|\(none\))$/i;

/** Null: the board has no id yet. */
export function defaultHostname(machineId: string): string | null {
  const id = machineId.trim();
  if (!/^[0-9a-f]{32}$/.test(id)) return null;
  // The id itself is to stay on the board (machine-id(5)).
  return `cloudroid-${createHash('sha256').update(`cloudroid host name ${id}`).digest('hex').slice(0, 4)}`;
}

export async function takeHostname(places: Places, machine: Machine, name: string): Promise<void> {
  if (places.read('/etc/hostname')?.trim() !== name) {
    replaceFile(places.at('/etc/hostname'), `${name}\n`, { mode: 0o644 });
  }
  const hosts = places.read('/etc/hosts');
  // Debian's way; without this line nss-myhostname answers.
  const mended = hosts?.replace(/^(127\.0\.1\.1[ \t]+).*$/m, `$1${name}`);
  if (mended !== undefined && mended !== hosts) {
    replaceFile(places.at('/etc/hosts'), mended, { mode: 0o644 });
  }
  const { ok, output } = await machine.run('hostnamectl', ['set-hostname', name]);
  if (!ok) throw new Error(`hostnamectl: ${output}`);
}

/** At every start: a board that nobody named gets a name of its own. */
export async function nameUnnamed(places: Places, machine: Machine): Promise<void> {
  const name = defaultHostname(places.read('/etc/machine-id') ?? '');
  if (name === null || !unchosen.test((places.read('/etc/hostname') ?? '').trim())) return;
  await takeHostname(places, machine, name);
}
