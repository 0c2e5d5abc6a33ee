/** `cloudroid users [list | add | set | password | remove] NAME`: the accounts, the same on all members. */
import {
  type Account,
  ANONYMOUS_NAMES,
  formatAccount,
  GUEST,
  isHome,
  parseAccount,
  type Rights,
} from '../accounts/account.ts';
import { hashPassword } from '../accounts/password-hash.ts';
import { byteCount } from '../config/gateway-checks.ts';
import { parsePeersFile } from '../config/peers-file.ts';
import { Unfit } from '../config/setting-checks.ts';
import type { AccountFile } from '../peers/protocol-accounts.ts';
import { isAccountName } from '../replication/account-path.ts';
import { CommandError, type ExitStatus, exitStatus } from '../system/exit-status.ts';
import { escapeControls } from '../system/log-line.ts';
import { newPassword } from './ask-password.ts';
import { changeAccount, readAccounts } from './change-account.ts';
import type { CommandInput } from './command.ts';
import { peersFileText } from './peers-file-text.ts';
import { withRunningMember } from './running-member.ts';
import { formatBytes } from './status-page.ts';
import { NO_ACCOUNTS, userRow, usersJson, usersPage } from './users-page.ts';
import { actionOf, sharedPath } from './words.ts';

interface Known {
  /** There never was an account: guest/guest is open. */
  readonly open: boolean;
  readonly files: readonly AccountFile[];
}

function failed(message: string): CommandError {
  return new CommandError(exitStatus.failed, message);
}

async function known({ settings }: CommandInput): Promise<Known> {
  const { digest, accounts, complete } = await readAccounts(settings);
  // Without others it is complete as it is, although nobody told it so.
  const { peers } = parsePeersFile(peersFileText(settings.peersFile));
  if (!complete && peers.length > 0) {
    process.stderr.write(
      'This member has yet to fetch what the others have; they may have accounts that it does not know.\n',
    );
  }
  return { open: digest === '', files: accounts ?? [] };
}

function assertName(name: string): void {
  if (!isAccountName(name)) {
    throw failed(
      `"${escapeControls(name)}" is no name for a user: 1 to 64 letters, digits and . _ - @, no dot first.`,
    );
  }
  if (ANONYMOUS_NAMES.includes(name.toLowerCase())) {
    throw failed(`Nobody gets in as ${name}: programs use that name for logins without a password.`);
  }
}

/** The options as changes of an account; what was not given is not in it. */
function wishes({
  switches,
  values,
}: CommandInput): Partial<Pick<Account, 'home' | 'rights' | 'quotaBytes'>> {
  const rights = (['full', 'read-only', 'upload-only'] satisfies Rights[]).filter((one) => switches.has(one));
  if (rights.length > 1)
    throw new CommandError(exitStatus.usage, `Only one of ${rights.map((r) => `--${r}`).join(', ')}.`);
  const [right] = rights;
  const home = values.get('home');
  const quota = values.get('quota');
  return {
    ...(right !== undefined && { rights: right }),
    ...(home !== undefined && { home: homeOf(home) }),
    ...(quota !== undefined && { quotaBytes: quotaOf(quota) }),
  };
}

function homeOf(word: string): string {
  const home = sharedPath(word);
  if (!isHome(home)) throw failed(`${escapeControls(home)} cannot be a home folder.`);
  return home;
}

function quotaOf(word: string): number | null {
  if (word === 'none') return null;
  try {
    return byteCount(word);
  } catch (error) {
    if (!(error instanceof Unfit)) throw error;
    throw new CommandError(exitStatus.usage, `--quota: expected ${error.message}, or none.`, {
      cause: error,
    });
  }
}

function describe({ home, rights, quotaBytes }: Account): string {
  const quota = quotaBytes === null ? 'no quota' : `quota ${formatBytes(quotaBytes)}`;
  return `home folder ${escapeControls(home)}, rights ${rights}, ${quota}`;
}

async function add(input: CommandInput, name: string): Promise<string> {
  assertName(name);
  const { open, files } = await known(input);
  if (files.some((file) => file.name === name)) {
    throw failed(
      `There is an account ${name}: cloudroid users set ${name} ... changes it, users password ${name} its password.`,
    );
  }
  const wanted = wishes(input);
  const password = await hashPassword(await newPassword(input, name));
  const account: Account = {
    ...{ name, password, home: '/', rights: 'full', quotaBytes: null, changedAt: Date.now() },
    ...wanted,
  };
  const told = await changeAccount(input.settings, name, formatAccount(account), null);
  const guest =
    !open || name === GUEST
      ? ''
      : 'guest / guest is switched off now, on all members. To let guests in again: cloudroid users add guest --read-only\n';
  return `Made the account ${name}: ${describe(account)}.\n${told}${guest}`;
}

/** The file and what it says; throws for an account that is not there. */
async function existing(
  input: CommandInput,
  name: string,
): Promise<{ readonly text: string; readonly account: Account | null }> {
  const { open, files } = await known(input);
  const file = files.find((one) => one.name === name);
  if (file !== undefined) return { text: file.text, account: parseAccount(name, file.text) };
  const hint = open ? ' There are no accounts yet.' : ' cloudroid users list shows them.';
  throw failed(`There is no account ${escapeControls(name)}.${hint}`);
}

function readable(account: Account | null, name: string): Account {
  if (account === null) throw failed(`The account ${name} cannot be read: remove it and add it again.`);
  return account;
}

async function set(input: CommandInput, name: string): Promise<string> {
  const wanted = wishes(input);
  if (Object.keys(wanted).length === 0) {
    throw new CommandError(
      exitStatus.usage,
      'What is to change? --home, --quota, --full, --read-only or --upload-only.',
    );
  }
  const { text, account } = await existing(input, name);
  const changed: Account = { ...readable(account, name), ...wanted, changedAt: Date.now() };
  const told = await changeAccount(input.settings, name, formatAccount(changed), text);
  return `${name} has now: ${describe(changed)}.\n${told}`;
}

async function password(input: CommandInput, name: string): Promise<string> {
  const { text, account } = await existing(input, name);
  const before = readable(account, name);
  const changed: Account = {
    ...before,
    password: await hashPassword(await newPassword(input, name)),
    changedAt: Date.now(),
  };
  const told = await changeAccount(input.settings, name, formatAccount(changed), text);
  return `${name} has a new password; who is logged in with the old one is sent away.\n${told}`;
}

async function remove(input: CommandInput, name: string): Promise<string> {
  const { open } = await known(input);
  if (name === GUEST && open) {
    const off: Account = {
      ...{ name, password: null, home: '/', rights: 'full', quotaBytes: null, changedAt: Date.now() },
    };
    const told = await changeAccount(input.settings, name, formatAccount(off), null);
    return `guest / guest is switched off. Nobody can log in until there is an account: cloudroid users add NAME\n${told}`;
  }
  const { account } = await existing(input, name);
  const told = await changeAccount(input.settings, name, null);
  const files = account === null ? '' : `; files in ${escapeControls(account.home)} stay`;
  return `Removed the account ${name}${files}. Who is logged in with it is sent away.\n${told}`;
}

async function list(input: CommandInput): Promise<string> {
  const { open, files } = await known(input);
  const rows = await withRunningMember(input.settings, async (replica) => {
    const found = [];
    for (const file of files) {
      const home = parseAccount(file.name, file.text)?.home;
      found.push(
        userRow(file, home === undefined ? { bytes: 0, files: 0 } : await replica.accounts.usage(home)),
      );
    }
    return found;
  });
  if (input.switches.has('json')) return usersJson(rows);
  return open ? NO_ACCOUNTS : usersPage(rows, Date.now());
}

export async function users(input: CommandInput): Promise<ExitStatus> {
  const [action, name] = actionOf(input, 'users', {
    list: null,
    add: 'NAME',
    set: 'NAME',
    password: 'NAME',
    remove: 'NAME',
  });
  const perform = { list, add, set, password, remove }[action];
  process.stdout.write(await perform(input, name));
  return exitStatus.done;
}
