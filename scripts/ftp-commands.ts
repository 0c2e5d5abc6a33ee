/** Writes docs/ftp-commands.md from the command table: `node scripts/ftp-commands.ts`. A test checks that it is up to date. */
import { writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { type CommandDefinition, FIRST_VERSION } from '../src/proxy/command-definition.ts';
import { commandGroups } from '../src/proxy/command-table.ts';

export const ftpCommandsFile = new URL('../docs/ftp-commands.md', import.meta.url);

export function renderFtpCommands(): string {
  const groups = commandGroups.map(
    ({ title, commands }) => `## ${title}\n
| command | defined in | since | login | during a transfer | remark |
|---|---|---|---|---|---|
${commands.map(row).join('\n')}
`,
  );
  return `# FTP commands

Made from the command table in src/proxy/commands/ by \`scripts/ftp-commands.ts\`; do not edit.

- Paths: UTF-8, absolute or relative to the working directory; \`..\` never leads above \`/\`; a backslash and \`~\` are ordinary
  characters. Control characters and invalid UTF-8 are 501. A name may have 255 bytes, a path 4096, a line 8192.
- \`*\` and \`?\` are a pattern in the last part of the argument of LIST, NLST and STAT when nothing has that very name; everywhere
  else they are ordinary characters. No match is an empty listing, as in vsftpd. A hidden name needs a pattern with a dot.
- Names are the bytes that were sent: two that differ only in case or Unicode form are two files. Nothing new gets a name with line
  or paragraph separators or with characters that turn the direction of text (553), or one of spaces only; what is there can be read,
  renamed and deleted.
- With \`--name-encoding latin-1\` a name that is not valid UTF-8 is taken for Windows-1252 and stored in UTF-8; a session that has not
  said OPTS UTF8 ON nor sent a name in UTF-8 gets replies and listings in it, but for names that it cannot say unambiguously.
- Names that begin with \`.cloudroid\` do not exist for clients: 553 to write, 550 to read.
- Bytes are never changed. TYPE A is accepted and means the same as TYPE I, as in vsftpd's default configuration; SIZE is the
  number of bytes in both.
- An upload becomes visible whole or not at all. It is broken off, and the old file stays, when the data connection is reset, when
  ALLO announced another number of bytes, by ABOR, and when the control connection ended before the commit without QUIT
  (\`--accept-abrupt-close\` changes the last).
- What was kept of an upload that broke off is no file: only SIZE, REST + STOR, APPE and DELE of its user know of it, and MLSD for
  FileZilla (CLNT), which looks nowhere else.
- Data connections go to and come from the client's own address only.
- 4xx: trying again may help. 450 busy or changed meanwhile, 451 a local failure or no member answers, 452 no space, 425 and 426 the
  data connection, 421 good-bye.

${groups.join('\n')}`;
}

function row({
  name,
  aliases = [],
  syntax,
  help,
  needsLogin,
  duringTransfer,
  reference,
  since = FIRST_VERSION,
}: CommandDefinition): string {
  const spelled = [
    `\`${name}${syntax === undefined ? '' : ` ${syntax}`}\``,
    ...aliases.map((alias) => `\`${alias}\``),
  ];
  const login = needsLogin === false ? 'not needed' : 'needed';
  const during = {
    waits: 'waits',
    always: 'at once',
    bare: 'at once without a path',
    urgent: 'at once, ahead of all others',
  }[duringTransfer ?? 'waits'];
  return `| ${[spelled.join(', '), reference, since, login, during, help].map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  await writeFile(ftpCommandsFile, renderFtpCommands());
