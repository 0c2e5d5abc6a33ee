/** The FTP programs that the tests drive. */

import { busyboxProgram } from './busybox.ts';
import { netcatProgram, telnetProgram } from './by-hand.ts';
import { curlProgram } from './curl.ts';
import type { FtpProgram } from './ftp-program.ts';
import { ftplibProgram } from './ftplib.ts';
import { lftpProgram } from './lftp.ts';
import { tnftpProgram } from './tnftp.ts';

export const everyProgram: readonly FtpProgram[] = [
  curlProgram,
  lftpProgram,
  tnftpProgram,
  telnetProgram,
  netcatProgram,
  ftplibProgram,
  busyboxProgram,
];
