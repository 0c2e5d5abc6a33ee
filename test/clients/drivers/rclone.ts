/** rclone without a configuration: all is in the remote's name. It lists before and after what it does; no append, no resume. */
import type { ExecutionContext } from 'ava';
import { succeed } from '../../network/program.ts';
import { type Door, type FtpProgram, linesOf } from './ftp-program.ts';

const secured = {
  none: '',
  explicit: ',explicit_tls=true,no_check_certificate=true',
  implicit: ',tls=true,no_check_certificate=true',
} as const;

const environment = { RCLONE_CONFIG: '/dev/null' };

const disguised = new Map<string, string>();

/** rclone takes a password only in this form. */
async function disguise(t: ExecutionContext, password: string): Promise<string> {
  const known = disguised.get(password);
  if (known !== undefined) return known;
  const { stdout } = await succeed(t, 'rclone', ['obscure', password], { environment });
  const found = stdout.toString().trim();
  disguised.set(password, found);
  return found;
}

/** Runs rclone; `words` may name places behind the door. */
export async function rclone(
  t: ExecutionContext,
  door: Door,
  words: (at: (path: string) => string) => readonly string[],
): Promise<Buffer> {
  const hidden = await disguise(t, door.password);
  const place = `host=${door.host},port=${door.port},user=${door.user},pass=${hidden}`;
  const at = (path: string) => `:ftp,${place}${secured[door.security]}:${path}`;
  const patience = ['--retries', '1', '--low-level-retries', '1'];
  return (await succeed(t, 'rclone', [...words(at), ...patience], { environment })).stdout;
}

export const rcloneProgram: FtpProgram = {
  title: 'rclone',
  needs: ['rclone'],
  secures: ['explicit', 'implicit'],
  async upload(t, door, local, remote) {
    await rclone(t, door, (at) => ['copyto', '--ignore-times', local, at(remote)]);
  },
  async download(t, door, remote, local) {
    await rclone(t, door, (at) => ['copyto', '--ignore-times', at(remote), local]);
  },
  async makeFolder(t, door, folder) {
    await rclone(t, door, (at) => ['mkdir', at(folder)]);
  },
  async list(t, door, folder) {
    const listed = await rclone(t, door, (at) => ['lsf', at(folder)]);
    return linesOf(listed).map((name) => name.replace(/\/$/, ''));
  },
  async rename(t, door, from, to) {
    await rclone(t, door, (at) => ['moveto', at(from), at(to)]);
  },
  async remove(t, door, remote) {
    await rclone(t, door, (at) => ['deletefile', at(remote)]);
  },
  async removeFolder(t, door, folder) {
    await rclone(t, door, (at) => ['rmdir', at(folder)]);
  },
  async sendFolder(t, door, local, remote) {
    await rclone(t, door, (at) => ['copy', local, at(remote)]);
    await rclone(t, door, (at) => ['check', '--download', local, at(remote)]);
  },
  async fetchFolder(t, door, remote, local) {
    await rclone(t, door, (at) => ['sync', at(remote), local]);
  },
};
