/**
 * The installed version as a package file, to go back to: from the list of files and the scripts that dpkg keeps. Whoever
 * installed it had the file; the board has not.
 */
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE } from './debian-package.ts';
import { machineSays } from './machine-says.ts';

const INFO = '/var/lib/dpkg/info';
const SCRIPTS = ['preinst', 'postinst', 'prerm', 'postrm'];

/** dpkg's own fields are not a package's. */
export function controlOf(status: string): string {
  const fields = status
    .split(/\n(?! )/)
    .filter((field) => field !== '' && !/^(Status|Conffiles|Config-Version):/.test(field));
  return `${fields.join('\n')}\n`;
}

/** Paths of the settings that people may change. */
function conffiles(): ReadonlySet<string> {
  const file = join(INFO, `${PACKAGE}.conffiles`);
  if (!existsSync(file)) return new Set();
  return new Set(
    readFileSync(file, 'utf8')
      .split('\n')
      .map((path) => path.trim()),
  );
}

export async function repack(target: string, scratch: string): Promise<void> {
  rmSync(scratch, { recursive: true, force: true });
  const tree = join(scratch, 'tree');
  mkdirSync(join(tree, 'DEBIAN'), { recursive: true });
  try {
    // tar copies each listed file once and makes listed folders without what else is in them.
    const copy = `tar -C / --no-recursion -cf - -T "${INFO}/${PACKAGE}.list.relative" | tar -C "$1" -xpf -`;
    const list = readFileSync(join(INFO, `${PACKAGE}.list`), 'utf8').split('\n');
    // Without people's settings: dpkg would take what they wrote for what was shipped, and the next version would replace it.
    const kept = conffiles();
    const relative = list
      .filter((path) => !kept.has(path))
      .map((path) => path.replace(/^\/\.?/, ''))
      .filter((path) => path !== '');
    const names = join(scratch, 'names');
    writeFileSync(names, `${relative.join('\n')}\n`);
    await machineSays(
      'sh',
      ['-c', copy.replace(`${INFO}/${PACKAGE}.list.relative`, '$2'), 'sh', tree, names],
      600_000,
    );
    writeFileSync(
      join(tree, 'DEBIAN', 'control'),
      controlOf(await machineSays('dpkg-query', ['--status', PACKAGE])),
    );
    for (const name of [...SCRIPTS, 'md5sums']) {
      const from = join(INFO, `${PACKAGE}.${name}`);
      if (!existsSync(from)) continue;
      copyFileSync(from, join(tree, 'DEBIAN', name));
      chmodSync(join(tree, 'DEBIAN', name), SCRIPTS.includes(name) ? 0o755 : 0o644);
    }
    const made = `${target}.new`;
    await machineSays('dpkg-deb', ['--root-owner-group', '-Zgzip', '-z1', '--build', tree, made], 600_000);
    await machineSays('sync', [made]);
    await machineSays('mv', [made, target]);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
