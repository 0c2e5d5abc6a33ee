/** The command line: yargs reads it and writes the help; what it does not know is an error with a suggestion. */
import yargs from 'yargs';
import { nearest } from '../config/nearest.ts';
import { loadSettings, strangeVariables } from '../config/settings.ts';
import { settingGroups, settingNames, settingsTable } from '../config/settings-table.ts';
import { CommandError, type ExitStatus, exitStatus } from '../system/exit-status.ts';
import type { Command } from './command.ts';

/** What people type who know other programs. */
const synonyms: { readonly [word: string]: string } = {
  port: 'listen',
  host: 'listen',
  address: 'listen',
  dir: 'data',
  'data-dir': 'data',
  key: 'network-key',
  verbose: 'log-level',
  debug: 'log-level',
  'peers-file': 'peers',
};

export interface CommandTable {
  readonly [name: string]: Command;
}

function usage(message: string): CommandError {
  return new CommandError(exitStatus.usage, `${message} (cloudroid --help lists what there is)`);
}

function parserFor(commands: CommandTable, args: readonly string[], version: string) {
  const parser = yargs([...args])
    .scriptName('cloudroid')
    .usage('$0 <command> [options]\n\nA few boards as one FTP server; every board holds a full copy.')
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'duplicate-arguments-array': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
    })
    .detectLocale(false)
    .exitProcess(false)
    .fail(false)
    .wrap(Math.min(110, process.stdout.columns ?? 110))
    .version(version)
    .help()
    .alias('help', 'h')
    .option('config', { type: 'string', describe: 'JSON file with any of these settings as keys' });
  for (const [name, { description, switches = {}, values = {}, wordsShown }] of Object.entries(commands)) {
    const own = [
      ...(wordsShown === undefined ? [] : [wordsShown]),
      ...Object.keys(switches).map((word) => `[--${word}]`),
      ...Object.keys(values).map((word) => `[--${word} ${word.toUpperCase()}]`),
    ];
    parser.command(name, [description, ...own].join(' '));
  }
  for (const [kind, type] of [
    ['switches', 'boolean'],
    ['values', 'string'],
  ] as const) {
    for (const [word, describe] of ownOptions(commands, kind)) parser.option(word, { type, describe });
  }
  for (const name of settingNames) {
    const { description, default: standard, defaultShown } = settingsTable[name];
    parser.option(name, {
      type: 'string',
      describe: description,
      defaultDescription: defaultShown ?? standard ?? '',
    });
  }
  for (const { title, names } of settingGroups) parser.group([...names], title);
  return parser.epilogue(
    'Every setting is also a variable (--passive-ports: CLOUDROID_PASSIVE_PORTS) and a key of the --config file.\n' +
      'An option beats a variable, a variable beats the file.',
  );
}

/** The switches, or the options with a value, of all commands; one that several have is told with each. */
function ownOptions(commands: CommandTable, kind: 'switches' | 'values'): ReadonlyMap<string, string> {
  const all = new Map<string, string>();
  for (const [name, command] of Object.entries(commands)) {
    for (const [word, text] of Object.entries(command[kind] ?? {})) {
      const before = all.get(word);
      all.set(word, `${before === undefined ? '' : `${before}; `}${name}: ${text}`);
    }
  }
  return all;
}

function assertKnownOptions(given: readonly string[], known: readonly string[]): void {
  for (const name of given) {
    if (known.includes(name)) continue;
    const hint = synonyms[name] ?? nearest(name, known);
    throw usage(`Unknown option ${dashed(name)}.${hint === null ? '' : ` Did you mean --${hint}?`}`);
  }
}

function dashed(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`;
}

function chooseCommand(words: readonly string[], commands: CommandTable): [string, Command] {
  const [name, ...following] = words;
  if (name === undefined) throw usage(`Which command? One of ${Object.keys(commands).join(', ')}.`);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    const hint = nearest(name, Object.keys(commands));
    throw usage(`Unknown command "${name}".${hint === null ? '' : ` Did you mean "${hint}"?`}`);
  }
  const surplus = following[command.maxWords ?? 0];
  if (surplus !== undefined) throw usage(`"${surplus}" after ${name} means nothing.`);
  return [name, command];
}

/** Runs the command that `args` name. Rejects with CommandError for what a person can mend. */
export async function runCommandLine(
  commands: CommandTable,
  args: readonly string[],
  version: string,
): Promise<ExitStatus> {
  const parsed: { [name: string]: unknown } = await parserFor(commands, args, version).parseAsync();
  if (parsed['help'] === true || parsed['version'] === true) return exitStatus.done;
  const { _: words, $0: _program, ...given } = parsed;
  const present = Object.entries(given).filter(([, value]) => value !== undefined);
  const switches = [...ownOptions(commands, 'switches').keys()];
  const valued = [...ownOptions(commands, 'values').keys()];
  assertKnownOptions(
    present.map(([name]) => name),
    [...settingNames, 'config', 'help', 'version', 'h', ...switches, ...valued],
  );
  const all = Array.isArray(words) ? words.map(String) : [];
  const [name, command] = chooseCommand(all, commands);
  const on = new Set(
    present.filter(([word, value]) => switches.includes(word) && value === true).map(([w]) => w),
  );
  const values = new Map(
    present.filter(([word]) => valued.includes(word)).map(([word, value]) => [word, String(value)]),
  );
  for (const word of [...on, ...values.keys()]) {
    const own = command.switches?.[word] ?? command.values?.[word];
    if (own === undefined) throw usage(`--${word} means nothing to ${name}.`);
    if (values.get(word) === '') throw usage(`--${word} needs what it stands for after it.`);
  }
  const isSwitchSetting = (word: string): boolean =>
    settingNames.some((s) => s === word && settingsTable[s].placeholder === null);
  const options = Object.fromEntries(
    present
      .filter(([word]) => ![...switches, ...valued, 'help', 'version', 'h'].includes(word))
      // A switch alone means yes.
      .map(([word, value]) => [word, value === '' && isSwitchSetting(word) ? 'yes' : String(value)]),
  );
  for (const warning of strangeVariables(process.env)) console.error(`cloudroid: ${warning}`);
  const settings = loadSettings({ options, environment: process.env, currentDir: process.cwd() });
  const run = await command.load();
  return run({ settings, version, options, switches: on, values, words: all.slice(1) });
}
