/** What this machine can do. */
import { spawnSync } from 'node:child_process';

/** The reason why not, when one of them is not installed. */
export function hasOnPath(...programs: readonly string[]): string | null {
  const missing = programs.filter((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0);
  return missing.length === 0 ? null : `no ${missing.join(', no ')} here`;
}

/** The commit that is run, with a mark when files differ from it. */
export function commitOf(folder: string): string {
  const git = (...args: readonly string[]): string =>
    spawnSync('git', ['-C', folder, ...args], { encoding: 'utf8' }).stdout.trim();
  return `${git('rev-parse', '--short=12', 'HEAD')}${git('status', '--porcelain', '--', 'src') === '' ? '' : '+changes'}`;
}
