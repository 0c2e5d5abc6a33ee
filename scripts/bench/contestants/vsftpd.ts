/** vsftpd as Debian ships it, anonymous uploads allowed. It writes without fsync. */
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProcessGroup } from '../measure/process-group.ts';
import type { Place } from './cloudroid.ts';
import { answers, type Contestant, freePort, greets, Skipped, until } from './contestant.ts';

const program = '/usr/sbin/vsftpd';

export async function vsftpd(
  folder: string,
  place: Place = { host: '127.0.0.1', prefix: [] },
  clientPrefix: readonly string[] = [],
): Promise<Contestant> {
  if (!existsSync(program)) throw new Skipped('vsftpd is not installed (apt install vsftpd)');
  if (process.getuid?.() !== 0) throw new Skipped('vsftpd needs root');
  const port = clientPrefix.length > 0 ? 21 : await freePort(place.host);
  const files = join(folder, 'root', 'up');
  mkdirSync(files, { recursive: true });
  // Anonymous uploads are written by `ftp_username`, which must not be root.
  chmodSync(files, 0o777);
  const configuration = join(folder, 'vsftpd.conf');
  writeFileSync(
    configuration,
    [
      'listen=YES',
      `listen_address=${place.host}`,
      `listen_port=${port}`,
      'background=NO',
      'anonymous_enable=YES',
      `anon_root=${join(folder, 'root')}`,
      'write_enable=YES',
      'anon_upload_enable=YES',
      'anon_mkdir_write_enable=YES',
      'anon_other_write_enable=YES',
      'anon_umask=022',
      'ftp_username=ftp',
      'chown_uploads=NO',
      'allow_writeable_chroot=YES',
      'secure_chroot_dir=/var/run/vsftpd/empty',
      'seccomp_sandbox=NO',
      'no_anon_password=YES',
      'max_clients=0',
      'max_per_ip=0',
      '',
    ].join('\n'),
  );
  mkdirSync('/var/run/vsftpd/empty', { recursive: true });
  const group = new ProcessGroup('vsftpd');
  const server = { host: place.host, port, login: 'anonymous:bench' };
  return {
    name: 'vsftpd',
    target: { ftp: server },
    root: '/up/',
    clientPrefix,
    parts: [group],
    copies: [files],
    copiesAre: 'files',
    async start() {
      group.spawn([...place.prefix, program, configuration]);
      if (clientPrefix.length === 0) await until('vsftpd greets', 30_000, () => greets(server), 2);
      else await until('vsftpd answers', 30_000, () => answers(server, clientPrefix));
    },
    stop: () => group.stop(),
  };
}
