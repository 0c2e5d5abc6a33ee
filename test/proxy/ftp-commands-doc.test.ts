import { readFile } from 'node:fs/promises';
import test from 'ava';
import { ftpCommandsFile, renderFtpCommands } from '../../scripts/ftp-commands.ts';

test('docs/ftp-commands.md is what the command table says (else run: node scripts/ftp-commands.ts)', async (t) => {
  t.is(await readFile(ftpCommandsFile, 'utf8'), renderFtpCommands());
});
