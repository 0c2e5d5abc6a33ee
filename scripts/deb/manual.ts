/**
 * The manual page, the bash completion and Debian's changelog, from what the program itself knows.
 *
 *   node manual.ts man VERSION | completion | changelog VERSION EPOCH CHANGELOG.md
 */
import { readFileSync } from 'node:fs';
import { commands } from '../../src/cli/commands.ts';
import { settingGroups, settingsTable } from '../../src/config/settings-table.ts';
import { exitStatus } from '../../src/system/exit-status.ts';

/** roff takes a dot or quote at the start of a line for a request, and a backslash for the start of an escape. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1');
}

const table: { readonly [name: string]: (typeof settingsTable)[keyof typeof settingsTable] } = settingsTable;

function settingsSection(): string {
  const groups = settingGroups.map(({ title, names }) => {
    const entries = names.map((name) => {
      const setting = table[name];
      if (setting === undefined) throw new Error(`no setting is called ${name}`);
      const { placeholder, description } = setting;
      const standard = ('defaultShown' in setting && setting.defaultShown) || setting.default;
      const value = placeholder === null ? '' : ` \\fI${roff(placeholder)}\\fR`;
      return `.TP\n\\fB\\-\\-${roff(name)}\\fR${value}\n${roff(description)}. Default: ${roff(String(standard))}.`;
    });
    return `.SS "${roff(title.replace(/:$/, ''))}"\n${entries.join('\n')}`;
  });
  return groups.join('\n');
}

function commandsSection(): string {
  return Object.entries(commands)
    .map(([name, { description, wordsShown, switches = {}, values = {} }]) => {
      const words = wordsShown === undefined ? '' : ` ${roff(wordsShown)}`;
      const own = { ...switches, ...values };
      const options = Object.entries(own).map(
        ([option, what]) => `.TP\n\\fB\\-\\-${roff(option)}\\fR\n${roff(what)}`,
      );
      const inner = options.length === 0 ? '' : `\n.RS\n${options.join('\n')}\n.RE`;
      return `.TP\n\\fBcloudroid ${roff(name)}\\fR${words}\n${roff(description)}.${inner}`;
    })
    .join('\n');
}

function statusSection(): string {
  return Object.entries(exitStatus)
    .map(
      ([name, number]) =>
        `.TP\n\\fB${number}\\fR\n${name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)}`,
    )
    .join('\n');
}

function man(version: string): string {
  return `.TH CLOUDROID 1 "" "cloudroid ${roff(version)}" "Cloudroid"
.SH NAME
cloudroid \\- several boards as one FTP server, each with a full copy
.SH SYNOPSIS
\\fBcloudroid\\fR \\fIcommand\\fR [\\fIoptions\\fR]
.SH DESCRIPTION
Cloudroid makes a few boards into one FTP server. Every board holds a full copy of the files; what a client does through one
board happens on all of them; a board that was off catches up by itself.
.PP
The services cloudroid\\-ftp, cloudroid\\-proxy and cloudroid\\-sweep are started and stopped together by
\\fBsystemctl start cloudroid.target\\fR. Clients connect to port 6000.
.SH COMMANDS
${commandsSection()}
.SH SETTINGS
Each can be an option, a variable (CLOUDROID_LISTEN) or a key of the configuration file. An option beats a variable, a variable
beats the file.
${settingsSection()}
.SH FILES
.TP
\\fI/etc/cloudroid/cloudroid.json\\fR
Settings, one JSON object; the files in \\fI/etc/cloudroid/cloudroid.json.d/\\fR beat it.
.TP
\\fI/etc/cloudroid/PEERS.txt\\fR
The other members, one a line.
.TP
\\fI/var/lib/cloudroid\\fR
Catalog, identity, network key.
.TP
\\fI/srv/cloudroid/files\\fR
The shared files.
.SH EXIT STATUS
${statusSection()}
.SH SEE ALSO
.BR systemctl (1),
.BR journalctl (1)
`;
}

/** Words and options of a command; where a file is wanted nothing is offered, and the shell offers its files. */
function completion(): string {
  const commandLines = Object.entries(commands).map(
    ([name, { wordsShown = '', switches = {}, values = {} }]) => {
      const words = wordsShown.split(/[\s[\]|]+/).filter((word) => /^[a-z]+$/.test(word));
      const options = Object.keys({ ...switches, ...values }).map((option) => `--${option}`);
      return `    ${name}) words='${words.join(' ')}' options='${options.join(' ')}' ;;`;
    },
  );
  const settings = Object.keys(settingsTable).map((name) => `--${name}`);
  return `# bash completion for cloudroid, made from its table of commands
_cloudroid() {
  local word=\${COMP_WORDS[COMP_CWORD]} words='${Object.keys(commands).join(' ')}' options='--help --version'
  if [ "$COMP_CWORD" -gt 1 ]; then
    words='' options=''
    case \${COMP_WORDS[1]} in
${commandLines.map((line) => `  ${line}`).join('\n')}
    esac
    options="$options --config ${settings.join(' ')}"
    [ "$COMP_CWORD" -eq 2 ] || words=''
  fi
  [[ $word != -* ]] || words=$options
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o default -F _cloudroid cloudroid
`;
}

/** Lines of at most 78 characters, as Debian wants them. */
function wrapped(text: string): string {
  const lines = [''];
  for (const word of text.split(/\s+/).filter((one) => one !== '')) {
    const last = lines[lines.length - 1] ?? '';
    if (last.length + word.length > 72) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return `  * ${lines.join('\n    ')}`;
}

function changelog(version: string, epoch: string, text: string): string {
  const entries = text
    .split(/\n(?=- )/)
    .filter((entry) => entry.startsWith('- '))
    .map((entry) => wrapped(entry.slice(2).split(/\n\n|\n#/)[0] ?? ''));
  const date = new Date(Number(epoch) * 1000).toUTCString().replace('GMT', '+0000');
  return `cloudroid (${version}) unstable; urgency=medium\n\n${entries.join('\n')}\n\n -- The Cloudroid founders <cloudroid@localhost.localdomain>  ${date}\n`;
}

const [, , what, version = '', epoch = '0', file = ''] = process.argv;
if (what === 'man') process.stdout.write(man(version));
else if (what === 'completion') process.stdout.write(completion());
else if (what === 'changelog') process.stdout.write(changelog(version, epoch, readFileSync(file, 'utf8')));
else throw new Error('usage: manual.ts man VERSION | completion | changelog VERSION EPOCH FILE');
