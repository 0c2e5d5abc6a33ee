/** What all sessions of a proxy share, made once. */
import { SlabPool } from '../ftp/slabs.ts';
import { FairTurns } from '../system/fair-turns.ts';
import { commandTable } from './command-table.ts';
import { CommandRules } from './limits/command-rules.ts';
import { LoginRate } from './limits/login-rate.ts';
import { LoginThrottle } from './limits/login-throttle.ts';
import { PassiveAddress } from './limits/passive-address.ts';
import { PassivePorts } from './limits/passive-ports.ts';
import { limitsOf, type ProxyOptions, type ProxyServices } from './options.ts';
import { KeptLately } from './transfers/kept-lately.ts';
import { UploadsUnderWay } from './transfers/uploads-under-way.ts';
import { NetworkUsers } from './users.ts';
import { QuotaLedger } from './view/quota-ledger.ts';

/** As much as one read from a data connection may bring. */
const RECEIVE_BYTES = 512 * 1024;

/**
 * Fewer than the 48 connections that a gateway has to its storage server for transfers (peers/connection-pool.ts): clients
 * that do not read leave some for uploads, and those of one address some for the listings of others. Who waits has a session.
 */
const LISTINGS = { most: 32, mostEach: 8, mostWaiting: Number.POSITIVE_INFINITY };

export interface OpenServices {
  readonly services: ProxyServices;
  /** Ends what asks and looks up in the background. */
  close(): void;
}

/** `sessionsOf`: how many sessions a user has now. */
export function openServices(options: ProxyOptions, sessionsOf: (user: string) => number): OpenServices {
  const limits = limitsOf(options);
  const rules = new CommandRules(commandTable, options);
  if (rules.unknown.length > 0) {
    options.logger.warn('the settings name commands that there are not', { commands: rules.unknown });
  }
  const passiveAddresses = new PassiveAddress(options);
  const users = options.users ?? new NetworkUsers(options.replicas, options.logger);
  const services: ProxyServices = {
    ...options,
    users,
    limits,
    throttle: new LoginThrottle(limits.loginDelayMs),
    loginRate: new LoginRate(options.loginsPerMinute),
    sessionsOf,
    slabs: new SlabPool(RECEIVE_BYTES),
    uploads: new UploadsUnderWay(limits.silentMs),
    keptLately: new KeptLately(),
    quotas: new QuotaLedger(options.replicas),
    passivePool: new PassivePorts(limits.passiveWaitMs),
    listings: new FairTurns(LISTINGS),
    rules,
    passiveAddresses,
  };
  return {
    services,
    close() {
      passiveAddresses.close();
      users.close();
    },
  };
}
