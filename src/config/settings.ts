/**
 * From options, CLOUDROID_ variables and the configuration file to checked `Settings`. An option beats a variable, a
 * variable beats the file, the file beats the default. Whatever does not fit is a CommandError (status 78) that names
 * the setting, where it came from, what was expected and what was given.
 */
import { join, resolve } from 'node:path';
import { type Given, readConfigFiles, wrong } from './config-file.ts';
import { gatewaySettings } from './gateway-settings.ts';
import { limitSettings } from './limit-settings.ts';
import { nearest } from './nearest.ts';
import { type Setting, valuesOf } from './setting.ts';
import { Unfit } from './setting-checks.ts';
import type { Endpoint, PortRange, Settings } from './settings-api.ts';
import { settingNames, settingsTable } from './settings-table.ts';

export interface SettingSources {
  /** As given on the command line, `config` included, without dashes. */
  readonly options: { readonly [name: string]: string };
  readonly environment: { readonly [name: string]: string | undefined };
  readonly currentDir: string;
}

export function variableOf(name: string): string {
  return `CLOUDROID_${name.toUpperCase().replaceAll('-', '_')}`;
}

/** Returns what was given for a name, from the strongest source that has it; null: nothing. */
function finder(sources: SettingSources): (name: string) => Given | null {
  const { options, environment, currentDir } = sources;
  const direct = (name: string): Given | null => {
    const option = options[name];
    if (option !== undefined) return { text: option, from: `--${name}`, folder: currentDir };
    const variable = environment[variableOf(name)];
    if (variable === undefined || variable === '') return null;
    return { text: variable, from: `the variable ${variableOf(name)}`, folder: currentDir };
  };
  const config = direct('config');
  const file = config === null ? new Map<string, Given>() : readConfigFiles(resolve(currentDir, config.text));
  return (name) => direct(name) ?? file.get(name) ?? null;
}

/** Ports that could not be told apart: a client's data connection must never reach the members' range or a listener. */
function assertPortsApart(
  listen: Endpoint,
  storage: Endpoint,
  passive: PortRange,
  storagePassive: PortRange,
): void {
  const sameHost =
    listen.host === storage.host || [listen.host, storage.host].some((h) => ['0.0.0.0', '::'].includes(h));
  if (!sameHost) return;
  if (listen.port === storage.port) {
    throw wrong(`--listen and --storage-listen: expected two different ports, got ${listen.port} for both`);
  }
  if (passive.from <= storagePassive.to && storagePassive.from <= passive.to) {
    const given = `${passive.from}-${passive.to} and ${storagePassive.from}-${storagePassive.to}`;
    throw wrong(
      `--passive-ports and --storage-passive-ports: expected ranges without a common port, got ${given}`,
    );
  }
  for (const [name, range] of [
    ['passive-ports', passive],
    ['storage-passive-ports', storagePassive],
  ] as const) {
    for (const { port } of [listen, storage]) {
      if (range.from <= port && port <= range.to) {
        throw wrong(
          `--${name}: expected a range without the listening port ${port}, got ${range.from}-${range.to}`,
        );
      }
    }
  }
}

function assertTlsFits({
  tlsListen,
  tlsCertFile,
  tlsKeyFile,
  listen,
  storageListen,
  ...ranges
}: Settings): void {
  if ((tlsCertFile === null) !== (tlsKeyFile === null)) {
    throw wrong('--tls-cert-file and --tls-key-file: expected both or neither');
  }
  if (tlsListen === null) return;
  const { port } = tlsListen;
  const taken = [ranges.passivePorts, ranges.storagePassivePorts].some(
    ({ from, to }) => from <= port && port <= to,
  );
  if (taken || port === listen.port || port === storageListen.port) {
    throw wrong(`--tls-listen: expected a port that nothing else here uses, got ${port}`);
  }
}

/** Throws CommandError with status 78. */
export function loadSettings(sources: SettingSources): Settings {
  const find = finder(sources);
  const value = <T>(name: string, { check, default: standard, isPath }: Setting<T>, made?: T): T => {
    const given = find(name);
    if (given === null && made !== undefined) return made;
    const { text, from, folder } = given ?? {
      text: standard ?? '',
      from: 'the default',
      folder: sources.currentDir,
    };
    try {
      const checked = check(text);
      return isPath && text !== '' ? check(resolve(folder, text)) : checked;
    } catch (error) {
      if (!(error instanceof Unfit)) throw error;
      throw wrong(
        `${from}: expected ${error.message}, got ${text === '' ? 'nothing' : JSON.stringify(text)}`,
      );
    }
  };
  const table = settingsTable;
  const dataDir = value('data', table.data);
  const stateDir = value('state', table.state, join(dataDir, 'state'));
  const settings: Settings = {
    dataDir,
    filesDir: join(dataDir, 'files'),
    stateDir,
    mountDir: value('mount', table.mount),
    listen: value('listen', table.listen),
    storageListen: value('storage-listen', table['storage-listen']),
    peersFile: value('peers', table.peers),
    name: value('name', table.name),
    networkKeyFile: value('network-key', table['network-key'], join(stateDir, 'network.key')),
    storagePassivePorts: value('storage-passive-ports', table['storage-passive-ports']),
    ack: value('ack', table.ack),
    sweep: value('sweep', table.sweep),
    outsideDeletions: value('outside-deletions', table['outside-deletions']),
    logLevel: value('log-level', table['log-level']),
    ...valuesOf(gatewaySettings, value),
    ...valuesOf(limitSettings, value),
  };
  assertPortsApart(
    settings.listen,
    settings.storageListen,
    settings.passivePorts,
    settings.storagePassivePorts,
  );
  assertTlsFits(settings);
  return settings;
}

/** CLOUDROID_ variables that name no setting, each with what may have been meant. */
export function strangeVariables(environment: SettingSources['environment']): string[] {
  const known = [...settingNames, 'config', 'failpoint', 'slow', 'supervised'].map(variableOf);
  return Object.keys(environment)
    .filter((name) => name.startsWith('CLOUDROID_') && !known.includes(name))
    .map((name) => {
      const hint = nearest(name, known);
      return `The variable ${name} means nothing to Cloudroid.${hint === null ? '' : ` Did you mean ${hint}?`}`;
    });
}
